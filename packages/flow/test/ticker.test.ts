import { createTask, isCancelled, newEventLoop, sleep } from '@tasktree/core'
import { runVirtual, VirtualClock } from '@tasktree/core/testing'
import { ticker } from '@tasktree/flow'
import { expect, test } from 'vitest'
import { now, thrown, virtual } from './support/virtual.ts'

virtual('the n-th tick is at n times the interval', async () => {
  const ticks: number[][] = []
  for await (const n of ticker(100)) {
    ticks.push([n, now()])
    if (n === 3) break
  }
  expect(ticks).toEqual([
    [1, 100],
    [2, 200],
    [3, 300],
  ])
})

virtual('a ticker does not drift, even if the body of the loop takes long', async () => {
  const times: number[] = []
  for await (const n of ticker(100)) {
    times.push(now())
    if (n === 5) break
    await sleep(60)
  }
  expect(times).toEqual([100, 200, 300, 400, 500])
})

virtual(
  'missed ticks are skipped: the newest comes at once, and the numbers show how many were missed',
  async () => {
    const ticks: number[][] = []
    for await (const n of ticker(100)) {
      ticks.push([n, now()])
      if (n === 1) await sleep(350)
      if (n >= 6) break
    }
    expect(ticks).toEqual([
      [1, 100],
      [4, 450],
      [5, 500],
      [6, 600],
    ])
  },
)

/** A virtual clock that a test can move ahead, as happens when the machine was asleep or code has blocked the process. */
class SteppedClock extends VirtualClock {
  #step = 0

  step(ms: number): void {
    this.#step += ms
  }

  override now(): number {
    return super.now() + this.#step
  }

  override setAlarm(deadline: number | null, wake: () => void, isIdle: () => boolean): void {
    super.setAlarm(deadline === null ? null : deadline - this.#step, wake, isIdle)
  }
}

test('a loop that was blocked skips the ticks in between, and goes on in the rhythm that it had', async () => {
  const clock = new SteppedClock()
  const loop = newEventLoop({ clock })
  const ticks: number[][] = []
  await loop.runUntilComplete(async () => {
    for await (const n of ticker(100)) {
      ticks.push([n, clock.now()])
      if (n === 2) clock.step(1050)
      if (ticks.length === 4) break
    }
  })
  loop.close()
  expect(ticks).toEqual([
    [1, 100],
    [2, 200],
    [12, 1250],
    [13, 1300],
  ])
})

virtual('an interval that no float can hold exactly gives each number once', async () => {
  const numbers: number[] = []
  for await (const n of ticker(0.1)) {
    numbers.push(n)
    if (n >= 1000) break
  }
  expect(numbers).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1))
})

test('a body that is always late lets other tasks and cancels in', async () => {
  await runVirtual(async () => {
    const ticking = createTask(async () => {
      for await (const _ of ticker(1e-3)) {
        // The body does not wait.
      }
    })
    await sleep(1)
    ticking.cancel()
    expect(isCancelled(await thrown(ticking))).toBe(true)
  })
})

virtual('each loop over it has its own beginning', async () => {
  const ticks = ticker(10)
  await sleep(5)
  for (const expected of [15, 25]) {
    for await (const _ of ticks) break
    expect(now()).toBe(expected)
  }
})

test('in plain code a signal ends the loop', async () => {
  const looping = async (): Promise<void> => {
    for await (const _ of ticker(1, { signal: AbortSignal.timeout(20) }));
  }
  expect(isCancelled(await thrown(looping()))).toBe(true)
})

test('wrong arguments throw at the call', () => {
  expect(() => ticker(0)).toThrow(RangeError)
  expect(() => ticker(-1)).toThrow(RangeError)
  expect(() => ticker(NaN)).toThrow(RangeError)
  expect(() => ticker('1' as never)).toThrow(TypeError)
})
