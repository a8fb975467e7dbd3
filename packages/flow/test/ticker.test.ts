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

virtual('it does not drift, however long the body of the loop takes', async () => {
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

test('a loop that was blocked goes on in the rhythm that it had', async () => {
  const start = performance.now()
  const ticks: number[][] = []
  for await (const n of ticker(20)) {
    ticks.push([n, performance.now() - start])
    // Blocks the whole process past three ticks.
    if (n === 1) while (performance.now() - start < 90);
    if (ticks.length === 3) break
  }
  const [first, second, third] = ticks as [number[], number[], number[]]
  expect(first[0]).toBe(1)
  expect(second[0]).toBeGreaterThanOrEqual(4)
  expect(third[0]).toBeGreaterThan(second[0] as number)
  // Never early, and not shifted by the block.
  for (const [n, at] of ticks) expect(at).toBeGreaterThanOrEqual((n as number) * 20 - 1)
})

/** A virtual clock that jumps ahead, as when the machine was asleep. */
class SteppedClock extends VirtualClock {
  #step = 0

  step(ms: number): void {
    this.#step += ms
  }

  override now(): number {
    return super.now() + this.#step
  }
}

test('a clock that jumps ahead skips the ticks in between', async () => {
  const clock = new SteppedClock()
  const loop = newEventLoop({ clock })
  const numbers: number[] = []
  await loop.runUntilComplete(async () => {
    for await (const n of ticker(100)) {
      numbers.push(n)
      if (n === 2) clock.step(1050)
      if (numbers.length === 4) break
    }
  })
  loop.close()
  expect(numbers).toEqual([1, 2, 12, 13])
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
        // Nothing here waits.
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
