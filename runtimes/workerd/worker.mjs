// Uses core, sync, flow, streams and actor in workerd, the runtime of Cloudflare Workers: tasks, a lock, a cancel, a timeout, a
// queue, a retry, an actor, and a run that an AbortSignal cancels.
import assert from 'node:assert'
import { PassThrough } from 'node:stream'
import { Actor, spawn } from '@tasktree/actor'
import {
  ContextVar,
  createTask,
  gather,
  isCancelled,
  run,
  sleep,
  taskGroup,
  timeout,
  TimeoutError,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { map, retry, singleFlight } from '@tasktree/flow'
import { StreamReader, StreamWriter } from '@tasktree/streams'
import { Lock, Queue, Semaphore } from '@tasktree/sync'

const name = new ContextVar('name', { default: 'none' })

async function locks() {
  const lock = new Lock()
  const order = []
  const held = await lock.acquire()
  const tasks = ['first', 'second', 'third'].map((each) =>
    createTask(() =>
      lock.runExclusive(async () => {
        await sleep(1)
        order.push(each)
      }),
    ),
  )
  await sleep(1)
  tasks[1].cancel()
  held.release()
  await gather(tasks, { returnExceptions: true })
  assert.deepEqual(order, ['first', 'third'])
}

async function groups() {
  const queue = new Queue({ maxsize: 1 })
  const got = []
  await taskGroup(async (group) => {
    name.set('group')
    group.createTask(async () => {
      assert.equal(name.get(), 'group')
      for (let i = 0; i < 3; i++) await queue.put(i)
      queue.shutdown()
    })
    for await (const item of queue) got.push(item)
  })
  assert.deepEqual(got, [0, 1, 2])
  const semaphore = new Semaphore(1)
  const error = await timeout(5, () => semaphore.runExclusive(() => sleep(60_000))).catch((e) => e)
  assert.ok(error instanceof TimeoutError)
  assert.ok(!semaphore.locked())
}

async function flows() {
  assert.deepEqual(await map([3, 1, 2], (n) => sleep(n, 2 * n), { concurrency: 2 }), [6, 2, 4])
  let calls = 0
  const failing = async () => {
    if (++calls < 3) throw new Error('not yet')
    return calls
  }
  assert.equal(await retry(failing, { backoff: () => 1 }), 3)
  const load = singleFlight(() => sleep(1, ++calls))
  assert.deepEqual(await gather([() => load(), () => load()]), [4, 4])
}

async function streams() {
  const pipe = new PassThrough()
  const reader = StreamReader.from(pipe)
  const writer = StreamWriter.to(pipe)
  writer.write('first\nsec')
  assert.equal(String(await reader.readLine()), 'first\n')
  const error = await timeout(5, () => reader.readLine()).catch((e) => e)
  assert.ok(error instanceof TimeoutError)
  writer.write('ond\n')
  assert.equal(String(await reader.readLine()), 'second\n')
}

async function actors() {
  class Counter extends Actor {
    count = 0

    add(n) {
      this.count += n
      return this.count
    }
  }
  const counter = await spawn(Counter)
  assert.equal(await counter.ask.add(2), 2)
  assert.equal(await counter.ask.add(3), 5)
  await counter.stop()
}

// oxlint-disable-next-line import/no-default-export -- workerd looks for the default export
export default {
  async test() {
    await run(locks)
    await run(groups)
    await run(flows)
    await run(streams)
    await run(actors)
    // Two runs may be active at the same time, as they are for two requests.
    const results = await Promise.all([1, 2].map((n) => run(() => sleep(1, n))))
    assert.deepEqual(results, [1, 2])
    const controller = new AbortController()
    const request = run(() => sleep(60_000), { signal: controller.signal })
    controller.abort()
    assert.ok(isCancelled(await request.catch((e) => e)))
    assert.equal(await runVirtual(() => sleep(3_600_000, 'slept')), 'slept')
  },
}
