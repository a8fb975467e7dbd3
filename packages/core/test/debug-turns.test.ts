import { createTask, getRunningLoop, run, sleep } from '@tasktree/core'
import { describe, expect, test, vi } from 'vitest'

const clock = vi.hoisted(() => ({ time: 0 }))
vi.mock(import('../src/loop/clock.ts'), async (original) => ({
  ...(await original()),
  machineTime: () => clock.time,
}))

const foreign = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Computes for 200 ms of the machine's clock, which this test moves by hand. */
function compute(): void {
  clock.time += 200
}

/** The turns that debug mode reports as too long while `body` runs as a task. */
async function longTurns(body: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = []
  const listen = (warning: Error): void => void warnings.push(warning.message)
  process.on('warning', listen)
  await run(
    async () => {
      getRunningLoop().slowCallbackDuration = 100
      await createTask(body, { name: 'body' })
    },
    { debug: true },
  )
  await foreign()
  process.off('warning', listen)
  return warnings
}

const report = 'executing body took 200 ms without letting others run'

describe('debug mode does not count as a turn the time of an await of a foreign promise', () => {
  test.each<[string, () => unknown]>([
    ['that a wait follows', () => {}],
    ['that a new task follows', () => createTask(async () => {})],
    ['that a callback of the loop follows', () => getRunningLoop().callSoon(() => {})],
  ])('%s', async (_, next) => {
    const warnings = await longTurns(async () => {
      await sleep(0)
      const promise = foreign()
      setImmediate(compute)
      await promise
      await foreign()
      next()
      await sleep(0)
    })
    expect(warnings).toEqual([])
  })
})

test('debug mode counts the turn in which it is turned on from that moment', async () => {
  compute()
  const warnings = await longTurns(async () => {
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
    expect(await longTurns(body)).toEqual([report])
  })
})
