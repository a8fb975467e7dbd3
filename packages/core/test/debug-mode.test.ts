import {
  createTask,
  currentTask,
  detached,
  Future,
  getRunningLoop,
  run,
  sleep,
  taskSignal,
  timeout,
} from '@tasktree/core'
import { describe, expect, test, vi } from 'vitest'

const clock = vi.hoisted(() => ({ time: 0 }))
vi.mock(import('../src/loop/clock.ts'), async (original) => ({
  ...(await original()),
  machineTime: () => clock.time,
}))

const foreign = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Acts like a computation of 200 ms: moves the fake clock of this test forward. */
function compute(): void {
  clock.time += 200
}

/** Awaits a native promise for 200 ms of the fake clock. */
async function longForeign(): Promise<void> {
  setImmediate(compute)
  await foreign()
  await foreign()
}

/** Runs `body` as a task in debug mode, and returns the warnings. */
async function warningsOf(body: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = []
  const listen = (warning: Error): void => void warnings.push(warning.message)
  process.on('warning', listen)
  await run(
    async () => {
      getRunningLoop().slowCallbackDuration = 100
      await createTask(body, { name: 'body' }).catch(() => {})
    },
    { debug: true },
  )
  await foreign()
  process.off('warning', listen)
  return warnings
}

const report = 'executing body took 200 ms without letting others run'

describe('debug mode does not report a long await of a foreign promise', () => {
  test.each<[string, () => unknown]>([
    ['that a wait follows', () => {}],
    ['that a new task follows', () => createTask(async () => {})],
    ['that a callback of the loop follows', () => getRunningLoop().callSoon(() => {})],
  ])('%s', async (_, next) => {
    const warnings = await warningsOf(async () => {
      await sleep(0)
      await longForeign()
      next()
      await sleep(0)
    })
    expect(warnings).toEqual([])
  })
})

test('debug mode turned on in the middle of a turn does not count the time before', async () => {
  compute()
  const warnings = await warningsOf(async () => {
    getRunningLoop().setDebug(true)
    await sleep(0)
  })
  expect(warnings).toEqual([])
})

describe('debug mode reports a long computation', () => {
  test.each<[string, () => Promise<void>]>([
    [
      'before a wait',
      async () => {
        await sleep(0)
        compute()
        await sleep(0)
      },
    ],
    [
      'before an await of a foreign promise',
      async () => {
        await sleep(0)
        compute()
        await foreign()
      },
    ],
    [
      'after a foreign promise, when the code has created a task',
      async () => {
        await sleep(0)
        await foreign()
        createTask(async () => {})
        compute()
        await sleep(0)
      },
    ],
    [
      'at the end of a task',
      async () => {
        await sleep(0)
        compute()
      },
    ],
  ])('%s', async (_, body) => {
    expect(await warningsOf(body)).toEqual([report])
  })
})

describe('debug mode says how long a foreign await has delayed a cancel', () => {
  const delayed = expect.stringContaining('the cancel of body was delayed 200 ms')

  test.each<[string, () => Promise<void>]>([
    ['to the next wait', () => sleep(0)],
    ['to the end of the task', async () => {}],
    [
      'to the end of a scope',
      async () => {
        const cancelled = new Future<void>()
        cancelled.cancel()
        await timeout(1_000, async () => cancelled).catch(() => {})
        await sleep(0)
      },
    ],
  ])('%s', async (_, next) => {
    const warnings = await warningsOf(async () => {
      const task = currentTask()
      detached(() => setImmediate(() => task?.cancel()))
      await foreign()
      await longForeign()
      await next()
    })
    expect(warnings).toEqual([delayed])
  })

  test.each<[string, () => void]>([
    [
      'was taken back',
      () => {
        currentTask()?.cancel()
        currentTask()?.uncancel()
      },
    ],
    [
      'code has seen by its signal',
      () => {
        const signal = taskSignal()
        currentTask()?.cancel()
        expect(signal.aborted).toBe(true)
      },
    ],
  ])('but says nothing of a cancel that %s', async (_, cancel) => {
    const warnings = await warningsOf(async () => {
      cancel()
      await longForeign()
      await sleep(0)
    })
    expect(warnings).toEqual([])
  })
})
