// Cancels a caller after 0, 1, 2, … rounds of the loop, until its call ends before the cancel. The work of the call must then be
// done completely, or not at all.
import {
  Actor,
  type LocalActorRef,
  ActorStopped,
  ActorSystem,
  child,
  silentLogger,
  spawn,
  type SupervisorRef,
} from '@tasktree/actor'
import { createTask, Future, sleep, wait } from '@tasktree/core'
import { runVirtual, watchLeaks } from '@tasktree/core/testing'
import { expect, test } from 'vitest'
import { crash, probe, ref, settled, start } from './support/probe.ts'

const rounds = 60

/** Runs `attempt` once for each round in which it can be cancelled. Some attempts must be cancelled, and some must end before. */
async function sweep(
  attempt: (cancelled: (body: () => PromiseLike<unknown>) => Promise<boolean>) => Promise<void>,
): Promise<void> {
  let cancels = 0
  let ends = 0
  for (let n = 0; n < rounds; n++) {
    await runVirtual(() =>
      attempt(async (body) => {
        const task = createTask(body)
        for (let i = 0; i < n && !task.done(); i++) await sleep(0)
        task.cancel()
        await wait([task])
        if (task.cancelled()) cancels++
        else ends++
        return task.cancelled()
      }),
    )
  }
  expect(cancels).toBeGreaterThan(0)
  expect(ends).toBeGreaterThan(0)
}

/** An actor that handles one message at a time. Each handler waits until the test opens the gate. */
class Gate extends Actor {
  readonly #handled: string[]
  readonly #open: Future<void>

  constructor(handled: string[], open: Future<void>) {
    super()
    this.#handled = handled
    this.#open = open
  }

  async pass(name: string): Promise<string> {
    await this.#open
    this.#handled.push(name)
    return name
  }

  ping(): string {
    return 'pong'
  }
}

test('an ask that is cancelled in any turn is not handled unless its handler had begun, and the actor goes on', () =>
  sweep(async (cancelled) => {
    const handled: string[] = []
    const open = new Future<void>()
    const gate = await spawn(Gate, [handled, open])
    const first = gate.ask.pass('first')
    createTask(async () => {
      for (let i = 0; i < 10; i++) await sleep(0)
      open.setResult()
    })
    const wasCancelled = await cancelled(() => gate.ask.pass('second'))
    expect(await first).toBe('first')
    expect(await gate.ask.ping()).toBe('pong')
    // An ask that was answered was handled. A cancelled ask was not handled, unless its handler had begun before.
    if (!wasCancelled) expect(handled).toEqual(['first', 'second'])
    expect(['first', 'first,second']).toContain(handled.join(','))
    await gate.stop()
  }))

test('an ask that is cancelled before its turn is never handled', () =>
  runVirtual(async () => {
    const handled: string[] = []
    const open = new Future<void>()
    const gate = await spawn(Gate, [handled, open])
    const first = gate.ask.pass('first')
    const controller = new AbortController()
    const second = gate.ask({ signal: controller.signal }).pass('second')
    await settled()
    controller.abort()
    await expect(second).rejects.toMatchObject({ name: 'CancelledError' })
    open.setResult()
    await first
    await settled()
    expect(handled).toEqual(['first'])
    await gate.stop()
  }))

test('a cancelled sender that waits for room in a full mailbox has sent nothing, and the next sender moves up', () =>
  sweep(async (cancelled) => {
    const handled: string[] = []
    const open = new Future<void>()
    const gate = await spawn(Gate, [handled, open], { mailbox: { capacity: 1 } })
    await gate.tell.pass('running')
    await settled()
    await gate.tell.pass('waiting')
    const sent: string[] = []
    const send = async (name: string): Promise<void> => {
      if (await gate.tell.pass(name)) sent.push(name)
    }
    createTask(async () => {
      for (let i = 0; i < 10; i++) await sleep(0)
      open.setResult()
    })
    const middle = cancelled(() => send('middle'))
    const last = createTask(() => send('last'))
    await middle
    await last
    expect(await gate.ask.ping()).toBe('pong')
    expect(handled).toEqual(['running', 'waiting', ...sent])
    expect(sent.at(-1)).toBe('last')
    await gate.stop()
  }))

test('a tell that waits for room in the mailbox of a killed actor returns false or throws ActorStopped', () =>
  sweep(async (cancelled) => {
    const gate = await spawn(Gate, [[], new Future<void>()], { mailbox: { capacity: 1 } })
    await gate.tell.pass('running')
    await settled()
    await gate.tell.pass('waiting')
    const outcome = createTask(async () => gate.tell.pass('late')).then(
      (sent) => String(sent),
      (error: unknown) => (error instanceof ActorStopped ? 'told' : error),
    )
    await settled()
    // If the caller of a stop is cancelled, the stop goes on.
    await cancelled(() => gate.kill())
    await gate.kill()
    expect(['told', 'false']).toContain(await outcome)
  }))

test('a startChild that is cancelled in any turn leaves no child, and the id of the child is free', () =>
  sweep(async (cancelled) => {
    const log: string[] = []
    const system = await start({ children: [child.supervisor('all', { children: [] })] })
    const all = system.lookup<SupervisorRef>('all') as SupervisorRef
    const slow = {
      onStart: async () => {
        for (let i = 0; i < 5; i++) await sleep(0)
      },
    }
    const wasCancelled = await cancelled(() => all.startChild(probe(log, 'a', slow)))
    await settled()
    expect(all.countChildren().active).toBe(wasCancelled ? 0 : 1)
    if (wasCancelled) await all.startChild(probe(log, 'a'))
    expect(await ref(system, 'all/a').ask.ping()).toBe(1)
    await system.stop()
    expect(log.filter((line) => line === 'start a')).toHaveLength(1 + count(log, 'stop a') - 1)
  }))

test('a system whose start is cancelled in any turn stops the children that it had started, in reverse order', () =>
  sweep(async (cancelled) => {
    const log: string[] = []
    const started: ActorSystem[] = []
    const slow = {
      onStart: async () => {
        for (let i = 0; i < 4; i++) await sleep(0)
      },
    }
    const wasCancelled = await cancelled(async () => {
      const children = ['a', 'b', 'c'].map((id) => probe(log, id, slow))
      started.push(await ActorSystem.start({ name: 's', logger: silentLogger, children }))
    })
    await settled()
    const running = log.filter((line) => line.startsWith('start')).map((line) => line.at(-1))
    const ended = log.filter((line) => line.startsWith('stop')).map((line) => line.split(' ')[1])
    if (wasCancelled) expect(ended.toReversed().slice(0, running.length)).toEqual(running)
    else expect([running, ended]).toEqual([['a', 'b', 'c'], []])
    for (const system of started) await system.stop()
  }))

test('a system stops although the caller of stop is cancelled, and a second caller waits for the end', () =>
  sweep(async (cancelled) => {
    const log: string[] = []
    const slow = {
      onStop: async () => {
        for (let i = 0; i < 5; i++) await sleep(0)
      },
    }
    const system = await start({ children: [probe(log, 'a', slow), probe(log, 'b', slow)] })
    await cancelled(() => system.stop())
    await system.stop()
    expect(log).toEqual(['start a', 'start b', 'stop b shutdown', 'stop a shutdown'])
  }))

test('a restartChild of a group member that is cancelled in any turn leaves the group whole', () =>
  sweep(async (cancelled) => {
    const log: string[] = []
    const system = await start({
      strategy: 'one-for-all',
      children: [probe(log, 'a'), probe(log, 'b')],
    })
    const { root } = system
    await root.stopChild('a')
    await cancelled(() => root.restartChild('a'))
    await settled()
    // Even if the caller was cancelled, the group still works as a group: a crash of `b` restarts both children.
    await crash(ref(system, 'b'))
    await settled()
    const a: LocalActorRef<never> | null = system.lookup('a')
    expect(a).not.toBeNull()
    expect(root.countChildren().active).toBe(2)
    await system.stop()
    expect(count(log, 'start a')).toBe(count(log, 'stop a'))
    expect(count(log, 'start b')).toBe(count(log, 'stop b'))
  }))

function count(log: string[], text: string): number {
  return log.filter((line) => line.startsWith(text)).length
}

test.each(['stop', 'kill'] as const)(
  'a startChild that is cancelled in the turn of a %s of its supervisor leaves no unread failure',
  async (end) => {
    const outcomes = new Set<string>()
    for (let n = 0; n < rounds; n++) {
      await runVirtual(async () => {
        const leaks = watchLeaks()
        const system = await start({ children: [child.supervisor('group', {})] })
        const group = system.lookup<SupervisorRef>('group')!
        const starting = createTask(async () => {
          await group.startChild(probe([], 'a'))
        })
        for (let i = 0; i < n; i++) await sleep(0)
        starting.cancel()
        await group[end]()
        await wait([starting])
        outcomes.add(starting.cancelled() ? 'cancelled' : 'started')
        await system.stop()
        await leaks.check()
      })
    }
    expect([...outcomes].toSorted()).toEqual(['cancelled', 'started'])
  },
)

test('a restartChild that is cancelled in any turn leaves the child stopped or running, without another restart', () =>
  sweep(async (cancelled) => {
    const log: string[] = []
    const onStart = (): Future<void> => sleep(0)
    const system = await start({ children: [probe(log, 'a', { onStart })] })
    await system.root.stopChild('a')
    const wasCancelled = await cancelled(() => system.root.restartChild('a'))
    await settled()
    const [a] = system.root.whichChildren()
    expect(['stopped', 'running']).toContain(a?.status)
    if (!wasCancelled) expect(a?.status).toBe('running')
    expect(a?.restarts).toBe(0)
    expect(log.filter((line) => line === 'start a').length).toBeLessThanOrEqual(2)
    await system.stop()
  }))
