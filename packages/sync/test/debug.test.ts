import {
  createTask,
  gather,
  getRunningLoop,
  moveOnAfter,
  race,
  sleep,
  type Task,
  taskGroup,
  timeout,
  waitFor,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { describe, expect, test, vi } from 'vitest'
import { scenarios } from './fixtures/scenarios.ts'
import { waits } from './fixtures/waits.ts'

type Wait = () => PromiseLike<unknown>

const noError = (): void => {}

/** Runs `program` as a task in debug mode, and returns what debug mode has reported by the end of the run. */
async function reportsOf(program: () => PromiseLike<unknown>): Promise<string[]> {
  const reports: string[] = []
  const emitWarning = vi
    .spyOn(process, 'emitWarning')
    .mockImplementation((warning) => void reports.push(String(warning)))
  try {
    await runVirtual(async () => {
      const loop = getRunningLoop()
      loop.setDebug(true)
      // On a busy machine a turn may take longer than any limit, so the warning about slow turns is off.
      loop.slowCallbackDuration = Infinity
      loop.setExceptionHandler((_, { message }) => void reports.push(message))
      await createTask(program, { name: 'program' })
    })
  } finally {
    emitWarning.mockRestore()
  }
  return reports
}

const started = (wait: Wait): Task => createTask(async () => wait())

/** Ways to end a wait. Each calls `wait`, ends the wait, and awaits its end. */
const ways: Record<string, (wait: Wait) => PromiseLike<unknown>> = {
  'cancelled by another task': async (wait) => {
    const task = started(wait)
    await sleep(1)
    task.cancel()
    await task.catch(noError)
  },
  'cancelled by another task as soon as it has begun': async (wait) => {
    const task = started(wait)
    await sleep(0)
    task.cancel()
    await task.catch(noError)
  },
  'cancelled by its own branch of Promise.all': (wait) =>
    moveOnAfter(60_000, (scope) =>
      Promise.all([
        wait(),
        (async () => {
          await sleep(1)
          scope.cancel()
        })(),
      ]),
    ),
  'timed out by timeout': (wait) => timeout(5, wait).catch(noError),
  'timed out by waitFor': (wait) => waitFor(started(wait), 5).catch(noError),
  'timed out by moveOnAfter': (wait) => moveOnAfter(5, wait),
  'in Promise.all of a task that is cancelled': async (wait) => {
    const task = createTask(() => Promise.all([wait(), sleep(10_000)]))
    await sleep(1)
    task.cancel()
    await task.catch(noError)
  },
  'in Promise.all that times out': (wait) =>
    timeout(5, () => Promise.all([wait(), sleep(10_000)])).catch(noError),
  'in gather that is cancelled': async (wait) => {
    const both = gather([started(wait), sleep(10_000)])
    await sleep(1)
    both.cancel()
    await both.catch(noError)
  },
  'the loser of a race': (wait) => race([started(wait), sleep(5)]),
  'in a group whose body fails': (wait) =>
    taskGroup(async (group) => {
      group.createTask(async () => wait())
      await sleep(1)
      throw new Error('the body failed')
    }).catch(noError),
  'in a group that is cancelled': (wait) =>
    taskGroup(async (group) => {
      group.createTask(async () => wait())
      await sleep(1)
      group.cancel()
    }),
}

/**
 * Ways that work only for a wait that returns a Future. For a call of an async function, which returns a native promise, they would
 * end only the wait for the promise. The call would go on, and debug mode would be right to name it.
 */
const waysOfFutures: typeof ways = {
  'the future itself timed out by waitFor': (wait) => waitFor(wait(), 5).catch(noError),
  'the future itself in gather that is cancelled': async (wait) => {
    const both = gather([wait(), sleep(10_000)])
    await sleep(1)
    both.cancel()
    await both.catch(noError)
  },
  'the future itself as the loser of a race': (wait) => race([wait(), sleep(5)]),
}

const areAsyncFunctions = /\.runExclusive$|^Condition\.wait|^Barrier\.wait$/

describe.each(Object.entries(waits))('debug mode: %s', (name, make) => {
  const isAsyncFunction = areAsyncFunctions.test(name)

  test.each(Object.entries(isAsyncFunction ? ways : { ...ways, ...waysOfFutures }))(
    'that is awaited is not reported when it is ended early: %s',
    async (_way, through) => {
      expect(
        await reportsOf(async () => {
          const [wait] = make()
          await through(() => wait())
        }),
      ).toEqual([])
    },
  )

  test('that is awaited is not reported when its signal aborts', async () => {
    const reports = await reportsOf(async () => {
      const controller = new AbortController()
      const task = createTask(async () => make()[0]({ signal: controller.signal }))
      await sleep(1)
      controller.abort()
      await task.catch(noError)
    })
    expect(reports).toEqual([])
  })

  const missing = isAsyncFunction
    ? /^program has ended while work it began still waits on .* at .*\.ts:\d+: was a call not awaited\?$/
    : /^program has ended and never awaited .* at .*waits\.ts:\d+: add the missing await$/

  test('that is not awaited is reported once, with its file and line', async () => {
    const reports = await reportsOf(async () => {
      void make()[0]()
      await sleep(1)
    })
    expect(reports).toEqual([expect.stringMatching(missing)])
  })

  test('that is not awaited is reported even beside an awaited wait that times out', async () => {
    const reports = await reportsOf(async () => {
      const [wait] = make()
      void make()[0]()
      await timeout(5, () => wait()).catch(noError)
    })
    expect(reports).toEqual([expect.stringMatching(missing)])
  })
})

test.each(Object.entries(scenarios))(
  'debug mode does not report %s that is awaited and served',
  async (_name, make) => {
    const reports = await reportsOf(async () => {
      const { victim, others, grant, balanced } = await make()
      const tasks = [victim, ...others].map((each) => createTask(each))
      await sleep(0)
      await Promise.all([grant(), ...tasks])
      await balanced(true)
    })
    expect(reports).toEqual([])
  },
)

test.each(Object.entries(scenarios))(
  'debug mode does not report %s that is awaited and cancelled in the turn in which it is served',
  async (_name, make) => {
    for (const isLate of [false, true]) {
      const reports = await reportsOf(async () => {
        const { victim, others, grant, balanced } = await make()
        const doomed = createTask(victim)
        const tasks = others.map((each) => createTask(each))
        for (let i = 0; i < 3; i++) await sleep(0)
        if (!isLate) doomed.cancel()
        const granted = grant()
        if (isLate) doomed.cancel()
        await granted
        const isDone = await doomed.then(
          () => true,
          () => false,
        )
        for (const task of tasks) await task
        await balanced(isDone)
      })
      expect(reports).toEqual([])
    }
  },
)
