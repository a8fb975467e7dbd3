import {
  child,
  type ExitReason,
  RestartLimitError,
  silentLogger,
  UnexpectedCancellation,
} from '@tasktree/actor'
import { CancelledError, getRunningLoop, sleep, sleepForever } from '@tasktree/core'
import { expect, test } from 'vitest'
import {
  collect,
  crash,
  probe,
  ref,
  thrown,
  settled,
  start,
  supervisor,
  virtually,
} from './support/probe.ts'

test(
  'a permanent child is restarted after each kind of end',
  virtually(async (log) => {
    const system = await start({ maxRestarts: 10, children: [probe(log, 'a')] })
    const a = ref(system, 'a')
    const reasons: ExitReason['kind'][] = []
    const ends = [
      async () => {
        await a.tell.quit()
      },
      async () => {
        await a.stop()
      },
      async () => {
        await a.stop('because')
      },
      async () => {
        await a.tell.crash()
      },
      async () => {
        await a.kill()
      },
    ]
    for (const [index, end] of ends.entries()) {
      await end()
      await settled()
      expect(a.incarnation).toBe(index + 2)
      expect(a.status).toBe('running')
      reasons.push(
        log.findLast((line) => line.startsWith('stop'))?.split(' ')[2] as ExitReason['kind'],
      )
    }
    expect(reasons).toEqual(['normal', 'shutdown', 'shutdown', 'error', 'error'])
    await system.stop()
  }),
)

test(
  'a transient child is restarted after an error and after a kill, and not after another end',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a', {}, { restart: 'transient' })] })
    const a = ref(system, 'a')
    await crash(a)
    expect(a.incarnation).toBe(2)
    await a.kill()
    await settled()
    expect(a.incarnation).toBe(3)
    for (const end of [() => a.tell.quit(), () => a.stop(), () => a.stop({ why: 'x' })]) {
      await end()
      await settled()
      expect(a.status).toBe('stopped')
      expect(system.root.whichChildren()).toHaveLength(1)
      await system.root.restartChild('a')
    }
    await system.stop()
  }),
)

test(
  'a temporary child is never restarted, and its crash does not count for the restart limit',
  virtually(async (log) => {
    const system = await start({ maxRestarts: 0, children: [] })
    for (const how of ['crash', 'quit'] as const) {
      const a = await system.root.startChild(probe(log, 'a', {}, { restart: 'temporary' }))
      await a.tell[how]()
      await settled()
      expect(system.root.whichChildren()).toEqual([])
    }
    expect(system.root.status).toBe('running')
    await system.stop()
  }),
)

test(
  'a CancelledError that a handler throws without a cancel is a crash',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a', {}, { restart: 'transient' })] })
    const exits = collect(system, 'exited')
    await settled()
    await crash(ref(system, 'a'), new CancelledError('stray'))
    expect(ref(system, 'a').incarnation).toBe(2)
    expect(exits[0]?.reason).toMatchObject({
      kind: 'error',
      error: expect.any(UnexpectedCancellation),
    })
    await system.stop()
  }),
)

test(
  "with decide 'resume' a crashed actor keeps its state and loses the message",
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a', {}, { decide: () => 'resume' })] })
    const a = ref(system, 'a')
    const resumed = collect(system, 'resumed')
    await settled()
    expect(await thrown(a.ask.crash())).toMatchObject({ name: 'ActorCrashed' })
    expect(await a.ask.ping()).toBe(1)
    await settled()
    expect(resumed).toHaveLength(1)
    await system.stop()
  }),
)

test(
  "decide 'stop' stops a permanent child, and decide 'escalate' ends its supervisor",
  virtually(async (log) => {
    const system = await start({
      children: [
        probe(log, 'a', {}, { decide: () => 'stop' }),
        probe(log, 'b', {}, { decide: () => 'escalate' }),
      ],
    })
    await crash(ref(system, 'a'))
    expect(ref(system, 'a').status).toBe('stopped')
    const error = new Error('up')
    const done = thrown(system.done)
    await crash(ref(system, 'b'), error)
    expect(await done).toBe(error)
  }),
)

test(
  'the error of a supervisor that gives up names the last child and the restarts of all children',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a'), probe(log, 'b')], maxRestarts: 2 })
    const done = thrown(system.done)
    for (const id of ['a', 'a', 'b']) await crash(ref(system, id))
    expect(await done).toMatchObject({
      child: '/s/b',
      restarts: 2,
      message: '/s/b ended again, and its supervisor allows no more than 2 restarts: Error: boom',
    })
  }),
)

test(
  'a crash beyond maxRestarts within the window ends the supervisor with that error as cause',
  virtually(async (log) => {
    const system = await start({ maxRestarts: 2, children: [probe(log, 'a'), probe(log, 'b')] })
    const done = thrown(system.done)
    await crash(ref(system, 'a'), new Error('one'))
    await crash(ref(system, 'a'), new Error('two'))
    const a = ref(system, 'a')
    await crash(a, new Error('three'))
    const error = await done
    expect(error).toBeInstanceOf(RestartLimitError)
    expect(error).toMatchObject({ child: '/s/a', restarts: 2, cause: { message: 'three' } })
    expect(log.at(-1)).toBe('stop b shutdown')
  }),
)

test(
  'with maxRestarts 0 the first crash ends the supervisor',
  virtually(async (log) => {
    const system = await start({ maxRestarts: 0, children: [probe(log, 'a')] })
    const done = thrown(system.done)
    await crash(ref(system, 'a'))
    expect(await done).toBeInstanceOf(RestartLimitError)
  }),
)

/** Crashes a child at these times, and returns whether the supervisor is still alive after the last crash. */
async function survives(
  log: string[],
  limits: { maxRestarts: number; within: number },
  times: number[],
): Promise<boolean> {
  const system = await start({ ...limits, children: [probe(log, 'a')] })
  const done = system.done
  const begun = getRunningLoop().time()
  const a = ref(system, 'a')
  for (const time of times) {
    await sleep(begun + time - getRunningLoop().time())
    await crash(a)
  }
  const alive = system.root.status === 'running'
  if (alive) await system.stop()
  await done.catch(() => {})
  return alive
}

test(
  'restarts exactly `within` milliseconds apart count together, and one millisecond more does not',
  virtually(async (log) => {
    const limits = { maxRestarts: 1, within: 1000 }
    expect(await survives(log, limits, [0, 1000])).toBe(false)
    expect(await survives(log, limits, [0, 1001])).toBe(true)
  }),
)

test(
  'a supervisor goes on for ever if no window holds too many restarts',
  virtually(async (log) => {
    const times = Array.from({ length: 50 }, (_, i) => i * 4000)
    expect(await survives(log, { maxRestarts: 2, within: 5000 }, times)).toBe(true)
  }),
)

test(
  'the time window of the restart limit slides and does not begin at the first crash',
  virtually(async (log) => {
    const limits = { maxRestarts: 3, within: 1000 }
    expect(await survives(log, limits, [0, 800, 900, 1050])).toBe(true)
    expect(await survives(log, limits, [0, 800, 900, 1050, 1100])).toBe(false)
  }),
)

test(
  'each failed start of a restarting child counts for the restart limit',
  virtually(async (log) => {
    let starts = 0
    const spec = probe(log, 'a', {
      onStart: () => {
        if (++starts > 1) throw new Error('again')
      },
    })
    const system = await start({ maxRestarts: 3, children: [spec] })
    const done = thrown(system.done)
    await crash(ref(system, 'a'))
    expect(await done).toMatchObject({ name: 'RestartLimitError', cause: { message: 'again' } })
    expect(starts).toBe(1 + 3)
  }),
)

test(
  'the restart of a group of ten children counts as a single restart',
  virtually(async (log) => {
    const children = Array.from({ length: 10 }, (_, i) => probe(log, `c${i}`))
    const system = await start({ strategy: 'one-for-all', maxRestarts: 3, children })
    for (let i = 0; i < 3; i++) await crash(ref(system, 'c4'))
    expect(system.root.status).toBe('running')
    const done = thrown(system.done)
    await crash(ref(system, 'c4'))
    expect(await done).toBeInstanceOf(RestartLimitError)
  }),
)

test(
  'restarts by restartChild do not count for the restart limit',
  virtually(async (log) => {
    const system = await start({ maxRestarts: 0, children: [probe(log, 'a')] })
    for (let i = 0; i < 100; i++) {
      await system.root.stopChild('a')
      await system.root.restartChild('a')
    }
    expect(ref(system, 'a').incarnation).toBe(101)
    await system.stop()
  }),
)

test(
  'the restart limit is for all children together, or with perChild for each child',
  virtually(async (log) => {
    const five = (): ReturnType<typeof probe>[] =>
      Array.from({ length: 5 }, (_, i) => probe(log, `c${i}`))
    const shared = await start({ maxRestarts: 4, children: five() })
    const done = thrown(shared.done)
    for (let i = 0; i < 5; i++) await crash(ref(shared, `c${i}`))
    expect(await done).toBeInstanceOf(RestartLimitError)
    const own = await start({ maxRestarts: 4, perChild: true, children: five() })
    for (let i = 0; i < 5; i++) await crash(ref(own, `c${i}`))
    expect(own.root.status).toBe('running')
    await own.stop()
  }),
)

const failsAfterFirst = (): { onStart: () => void } => {
  let starts = 0
  return {
    onStart: () => {
      if (++starts > 1) throw new Error('again')
    },
  }
}
const slowly = { backoff: { min: 100, max: 100, maxAttempts: 1000 }, maxRestarts: 1000 }

test(
  'a child that fails to start again has the status restarting and refuses restart, delete and start',
  virtually(async (log) => {
    const system = await start({ ...slowly, children: [probe(log, 'a', failsAfterFirst())] })
    await crash(ref(system, 'a'))
    await sleep(250)
    expect(system.root.whichChildren()).toMatchObject([{ id: 'a', status: 'restarting' }])
    expect(system.root.countChildren()).toMatchObject({ specs: 1, active: 0 })
    expect(await thrown(system.root.deleteChild('a'))).toMatchObject({ state: 'restarting' })
    expect(await thrown(system.root.restartChild('a'))).toMatchObject({ state: 'restarting' })
    expect(await thrown(system.root.startChild(probe(log, 'a')))).toMatchObject({
      name: 'AlreadyPresent',
    })
    await system.stop()
  }),
)

test(
  'stopChild ends the attempts to restart a child, and restartChild works afterwards',
  virtually(async (log) => {
    let starts = 0
    let broken = false
    const spec = probe(log, 'a', {
      onStart: () => {
        starts++
        if (broken) throw new Error('again')
      },
    })
    const system = await start({ ...slowly, children: [spec] })
    broken = true
    await crash(ref(system, 'a'))
    await sleep(250)
    await system.root.stopChild('a')
    const before = starts
    await sleep(10_000)
    expect(starts).toBe(before)
    broken = false
    await system.root.restartChild('a')
    expect(await ref(system, 'a').ask.ping()).toBe(starts)
    await system.stop()
  }),
)

test(
  'a supervisor whose child fails each restart stops at once',
  virtually(async (log) => {
    const system = await start({ ...slowly, children: [probe(log, 'a', failsAfterFirst())] })
    await crash(ref(system, 'a'))
    await sleep(250)
    const before = getRunningLoop().time()
    await system.stop()
    expect(getRunningLoop().time()).toBe(before)
  }),
)

test(
  'a supervisor that restarts a child again and again without a pause can be stopped',
  virtually(async (log) => {
    const system = await start({
      maxRestarts: 1_000_000,
      children: [probe(log, 'a', failsAfterFirst())],
    })
    await ref(system, 'a').tell.crash()
    await settled()
    await system.stop()
    await system.done
  }),
)

test(
  'the delays between restarts double up to the limit of backoff',
  virtually(async (log) => {
    const system = await start({
      backoff: { min: 100, max: 400, factor: 2, resetAfter: 1000, maxAttempts: 100 },
      maxRestarts: 100,
      children: [probe(log, 'a')],
    })
    const a = ref(system, 'a')
    const events = collect(system, 'restarting')
    await settled()
    const waits: number[] = []
    const crashAndWait = async (): Promise<void> => {
      const before = getRunningLoop().time()
      await a.tell.crash()
      await settled()
      await a.ask.ping()
      waits.push(getRunningLoop().time() - before)
    }
    for (let i = 0; i < 4; i++) await crashAndWait()
    expect(waits).toEqual([100, 200, 400, 400])
    expect(events.map((event) => event.delay)).toEqual([100, 200, 400, 400])
    await sleep(1000)
    await crashAndWait()
    expect(waits.at(-1)).toBe(100)
    await system.stop()
  }),
)

test(
  'ctx.healthy resets the delays between restarts, and jitter keeps them within its bounds',
  virtually(async (log) => {
    let healthy = false
    const spec = probe(log, 'a', {
      onStart: (context) => {
        if (healthy) context.healthy()
      },
    })
    const system = await start({
      backoff: { min: 100, max: 400, jitter: 0.2, maxAttempts: 100 },
      maxRestarts: 100,
      children: [spec],
    })
    const events = collect(system, 'restarting')
    await settled()
    for (let i = 0; i < 6; i++) {
      healthy = i === 2
      await ref(system, 'a').tell.crash()
      await settled()
      await ref(system, 'a').ask.ping()
    }
    const bounds = [100, 200, 400, 100, 200, 400]
    events.forEach((event, i) => {
      expect(event.delay).toBeGreaterThanOrEqual((bounds[i] as number) * 0.8)
      expect(event.delay).toBeLessThanOrEqual((bounds[i] as number) * 1.2)
    })
    expect(events).toHaveLength(6)
    await system.stop()
  }),
)

test(
  'the delay of a restart does nothing if the child was stopped and restarted by hand meanwhile',
  virtually(async (log) => {
    const system = await start({ ...slowly, children: [probe(log, 'a')] })
    const a = ref(system, 'a')
    await crash(a)
    await system.root.stopChild('a')
    await system.root.restartChild('a')
    await sleep(1000)
    expect(a.incarnation).toBe(2)
    await system.stop()
  }),
)

test(
  'in a group restart with backoff the siblings stop at once, and all start after the delay',
  virtually(async (log) => {
    const system = await start({
      ...slowly,
      strategy: 'one-for-all',
      children: [probe(log, 'a'), probe(log, 'b'), probe(log, 'c')],
    })
    log.length = 0
    await crash(ref(system, 'b'))
    expect(log).toEqual(['stop b error', 'stop c shutdown', 'stop a shutdown'])
    await sleep(99)
    expect(log).toHaveLength(3)
    await sleep(1)
    await settled()
    expect(log.slice(3)).toEqual(['start a', 'start b', 'start c'])
    await system.stop()
  }),
)

test('delays of backoff so long that maxRestarts is never reached within the window are refused', () => {
  const backoff = { min: 1000, max: 10_000 }
  expect(() => start({ backoff, maxRestarts: 3, within: 5000 })).toThrow(/within.*7000/)
  expect(() => child.supervisor('x', { backoff: { ...backoff, maxAttempts: 5 } })).not.toThrow()
  // The waits are 1000, 2000, 4000 and 8000 ms, and then 10000 ms each. The check must compute their sum without a loop,
  // because a loop over this many restarts would not end.
  const maxRestarts = Number.MAX_SAFE_INTEGER
  const sum = 15_000 + (maxRestarts - 4) * 10_000
  expect(() => child.supervisor('x', { backoff, maxRestarts })).toThrow(
    `after the other, ${sum} ms`,
  )
  const never = { min: 0, max: 0 }
  expect(() => child.supervisor('x', { backoff: never, maxRestarts })).not.toThrow()
})

test(
  'with maxAttempts a supervisor gives up after that many failed restarts, however slow',
  virtually(async (log) => {
    const system = await start({
      maxRestarts: 100,
      backoff: { min: 10_000, max: 10_000, maxAttempts: 2 },
      children: [probe(log, 'a', failsAfterFirst())],
    })
    const done = thrown(system.done)
    await crash(ref(system, 'a'))
    expect(await done).toMatchObject({ name: 'RestartLimitError', restarts: 2 })
  }),
)

test(
  'an inner supervisor that gave up is restarted with the children of its options only',
  virtually(async (log) => {
    for (const restart of ['permanent', 'transient'] as const) {
      const system = await start({
        children: [
          child.supervisor('in', { maxRestarts: 0, children: [probe(log, 'a')] }, { restart }),
        ],
      })
      const inner = supervisor(system, 'in')
      await inner.startChild(probe(log, 'extra'))
      const a = ref(system, 'in/a')
      await crash(a)
      await settled()
      expect(inner.whichChildren().map((each) => each.id)).toEqual(['a'])
      expect(inner.incarnation).toBe(2)
      expect(await a.ask.ping()).toBe(2)
      await system.stop()
    }
  }),
)

test(
  'a restart is published with its reason, and logged as a warning',
  virtually(async (log) => {
    const lines: string[] = []
    const logger = {
      debug() {},
      info() {},
      warn: (line: string) => {
        lines.push(line)
      },
      error() {},
    }
    const system = await start({
      logger,
      backoff: { min: 50, max: 50 },
      children: [probe(log, 'a')],
    })
    const events = collect(system, 'restarting')
    await settled()
    await crash(ref(system, 'a'))
    expect(events).toMatchObject([
      {
        path: '/s/a',
        id: 'a',
        incarnation: 1,
        nextIncarnation: 2,
        reason: { kind: 'error' },
        attempt: 1,
        delay: 50,
      },
    ])
    expect(lines.join('\n')).toContain(
      'restarting /s/a in 50 ms (attempt 1, incarnation 2) after error: Error: boom',
    )
    await system.stop()
  }),
)

test(
  'if decide throws or returns no decision, the restart type of the child decides',
  virtually(async () => {
    const runs = { t: 0, r: 0 }
    for (const decide of [
      () => {
        throw new Error('cannot decide')
      },
      () => undefined as never,
      () => 'perhaps' as never,
    ]) {
      runs.t = 0
      runs.r = 0
      const fails = async (id: 't' | 'r'): Promise<void> => {
        await sleep(1)
        if (++runs[id] === 1) throw new Error(id)
        await sleepForever()
      }
      const system = await start({
        children: [
          probe([], 'a', {}, { decide }),
          child.task('t', () => fails('t'), { decide }),
          child.resource('r', () => ({ wait: () => fails('r'), [Symbol.dispose]() {} }), {
            decide,
          }),
        ],
      })
      await crash(ref(system, 'a'))
      await sleep(10)
      await settled()
      expect(
        system.root.whichChildren().map(({ status, incarnation }) => `${status} ${incarnation}`),
      ).toEqual(['running 2', 'running 2', 'running 2'])
      await system.stop()
    }
  }),
)

test(
  "decide 'resume' for a child that is not an actor is logged, and the restart type decides",
  virtually(async () => {
    const errors: string[] = []
    const runs = { t: 0, r: 0 }
    const fails = async (id: 't' | 'r'): Promise<void> => {
      await sleep(1)
      if (++runs[id] === 1) throw new Error(id)
      await sleepForever()
    }
    const decide = (): 'resume' => 'resume'
    const system = await start({
      logger: { ...silentLogger, error: (message) => void errors.push(message) },
      children: [
        child.task('t', () => fails('t'), { decide }),
        child.resource('r', () => ({ wait: () => fails('r'), [Symbol.dispose]() {} }), { decide }),
      ],
    })
    await sleep(10)
    await settled()
    expect(
      system.root.whichChildren().map(({ status, incarnation }) => `${status} ${incarnation}`),
    ).toEqual(['running 2', 'running 2'])
    expect(errors).toEqual([
      '/s/t: decide returned resume, but only an actor can go on after a crash, and this child is of kind task',
      '/s/r: decide returned resume, but only an actor can go on after a crash, and this child is of kind resource',
    ])
    await system.stop()
  }),
)

test(
  'decide of an inner supervisor is called with the error when it gives up',
  virtually(async (log) => {
    const seen: unknown[] = []
    const system = await start({
      children: [
        child.supervisor(
          'inner',
          { maxRestarts: 0, children: [probe(log, 'a')] },
          {
            decide: (error) => {
              seen.push(error)
              return 'stop'
            },
          },
        ),
      ],
    })
    await crash(ref(system, 'inner/a'))
    expect(seen).toMatchObject([{ name: 'RestartLimitError' }])
    expect(supervisor(system, 'inner').status).toBe('stopped')
    await system.stop()
  }),
)
