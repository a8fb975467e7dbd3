import { createServer, connect } from 'node:net'
import { once } from 'node:events'
import { createTask, Future, getRunningLoop, run, sleep, taskGroup, wait } from '@tasktree/core'
import { expect, test } from 'vitest'

/** Starts two tasks that wake each other without an end and without any I/O. */
function pingPong(): { turns: () => number; stop: () => Promise<void> } {
  let turns = 0
  let ping = new Future<void>()
  let pong = new Future<void>()
  const left = createTask(async () => {
    for (;;) {
      await ping
      ping = new Future()
      turns++
      pong.setResult()
    }
  })
  const right = createTask(async () => {
    for (;;) {
      await pong
      pong = new Future()
      turns++
      ping.setResult()
    }
  })
  ping.setResult()
  return {
    turns: () => turns,
    async stop() {
      left.cancel()
      right.cancel()
      await wait([left, right])
    },
  }
}

test('two tasks that wake each other without end let timers and sockets have their turn', () =>
  run(async () => {
    const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
    await once(socket, 'connect')
    const game = pingPong()
    // The test measures no time. A timer and an answer of the socket must come in each of five rounds while the tasks are busy.
    for (let round = 0; round < 5; round++) {
      await sleep(1)
      socket.write('x')
      await once(socket, 'data')
    }
    expect(game.turns()).toBeGreaterThan(0)
    await game.stop()
    socket.destroy()
    server.close()
  }))

test('callbacks that schedule each other without end let a timer fire', () =>
  run(async () => {
    const loop = getRunningLoop()
    let running = true
    const again = (): void => {
      if (running) loop.callSoon(again)
    }
    again()
    await sleep(2)
    running = false
  }))

test('sleep(0) lets each other ready task run one step', () =>
  run(async () => {
    const log: string[] = []
    const tasks = ['a', 'b'].map((name) =>
      createTask(async () => {
        log.push(`${name}1`)
        await sleep(0)
        log.push(`${name}2`)
      }),
    )
    await wait(tasks)
    expect(log).toEqual(['a1', 'b1', 'a2', 'b2'])
  }))

test('sleep(0) lets a setImmediate callback run', () =>
  run(async () => {
    let immediate = false
    setImmediate(() => {
      immediate = true
    })
    await sleep(0)
    await sleep(0)
    expect(immediate).toBe(true)
  }))

test('a microtask that ends the future of a task resumes the task before later microtasks', () =>
  run(async () => {
    const future = new Future<void>()
    let microtasks = 0
    let resumed = false
    const spin = (): void => {
      if (!resumed && ++microtasks < 1_000) queueMicrotask(spin)
    }
    // When the second of these microtasks runs, the task already waits.
    queueMicrotask(() =>
      queueMicrotask(() => {
        future.setResult()
        spin()
      }),
    )
    await future
    resumed = true
    expect(microtasks).toBeLessThan(20)
  }))

test('a task that continues after a foreign promise runs on until it waits, before any other task', () =>
  run(async () => {
    const order: string[] = []
    await taskGroup(async (group) => {
      group.createTask(async () => {
        await new Promise((resolve) => setImmediate(resolve))
        group.createTask(async () => {
          order.push('the other task')
        })
        for (let i = 0; i < 50; i++) await Promise.resolve()
        order.push('this task waits')
        await sleep(0)
      })
    })
    expect(order).toEqual(['this task waits', 'the other task'])
  }))
