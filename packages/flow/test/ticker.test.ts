import { createTask, isCancelled, newEventLoop, sleep } from '@tasktree/core'
import { runVirtual, VirtualClock } from '@tasktree/core/testing'
import { ticker } from '@tasktree/flow'
import { expect, test } from 'vitest'
import { now, thrown, virtual } from './support/virtual.ts'

virtual('ticker gives its n-th tick after n times the interval', async () => {
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

virtual('ticker keeps its rhythm even if the body of the loop takes time', async () => {
  const times: number[] = []
  for await (const n of ticker(100)) {
    times.push(now())
    if (n === 5) break
    await sleep(60)
  }
  expect(times).toEqual([100, 200, 300, 400, 500])
})

virtual('ticker skips missed ticks, and its numbers count them', async () => {
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
})

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

test('ticker skips the ticks that pass while its loop is blocked, and keeps its rhythm', async () => {
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

virtual('ticker with an interval of 0.1 ms gives each number once', async () => {
  const numbers: number[] = []
  for await (const n of ticker(0.1)) {
    numbers.push(n)
    if (n >= 1000) break
  }
  expect(numbers).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1))
})

test('ticker lets a cancel in although the body of its loop is always late', async () => {
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

virtual('each loop over a ticker begins its own count of time', async () => {
  const ticks = ticker(10)
  await sleep(5)
  for (const expected of [15, 25]) {
    for await (const _ of ticks) break
    expect(now()).toBe(expected)
  }
})

test('an aborted signal ends a loop over ticker in plain code', async () => {
  const looping = async (): Promise<void> => {
    for await (const _ of ticker(1, { signal: AbortSignal.timeout(20) }));
  }
  expect(isCancelled(await thrown(looping()))).toBe(true)
})

test('ticker throws at the call for wrong arguments', () => {
  expect(() => ticker(0)).toThrow(RangeError)
  expect(() => ticker(-1)).toThrow(RangeError)
  expect(() => ticker(NaN)).toThrow(RangeError)
  expect(() => ticker('1' as never)).toThrow(TypeError)
})
