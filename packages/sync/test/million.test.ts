import { type Future, isCancelled } from '@tasktree/core'
import { Event, Lock, Queue, Semaphore } from '@tasktree/sync'
import { expect, test } from 'vitest'

/** With SYNC_MILLION=1 the larger size is the million; a tenth of it shows the same growth. */
const large = process.env['SYNC_MILLION'] === '1' ? 1_000_000 : 100_000
const small = 10_000

interface Line {
  wait: () => Future<unknown>
  /** Lets the rest through, one after another. */
  drain: (left: Future<unknown>[]) => Promise<void>
}

const lines: Record<string, () => Line> = {
  Lock: () => {
    const lock = new Lock()
    void lock.acquire()
    return {
      wait: () => lock.acquire(),
      drain: async (left) => {
        for (const waiting of left) {
          lock.release()
          await waiting
        }
      },
    }
  },
  Event: () => {
    const event = new Event()
    return {
      wait: () => event.wait(),
      drain: async (left) => {
        event.set()
        for (const waiting of left) await waiting
      },
    }
  },
  Semaphore: () => {
    const semaphore = new Semaphore(0)
    return {
      wait: () => semaphore.acquire(),
      drain: async (left) => {
        for (const _ of left) semaphore.release()
        for (const waiting of left) await waiting
      },
    }
  },
  Queue: () => {
    const queue = new Queue<number>()
    return {
      wait: () => queue.get(),
      drain: async (left) => {
        for (let i = 0; i < left.length; i++) queue.putNowait(i)
        for (const waiting of left) await waiting
      },
    }
  },
}

/** Microseconds a waiter. */
async function measure(make: () => Line, size: number): Promise<number> {
  globalThis.gc?.()
  const line = make()
  const start = performance.now()
  const waiting = Array.from({ length: size }, () => line.wait())
  let state = 1
  const left: Future<unknown>[] = []
  for (const future of waiting) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    if (state < 1_073_741_824) future.cancel()
    else left.push(future)
  }
  await line.drain(left)
  const time = ((performance.now() - start) / size) * 1000
  expect(left.every((future) => future.done() && !future.cancelled())).toBe(true)
  expect(left.length).toBeGreaterThan(size / 3)
  expect(
    isCancelled(await waiting.find((future) => future.cancelled())?.then(null, (e) => e)),
  ).toBe(true)
  return time
}

test.each(Object.entries(lines))(
  'waiting on one %s, half of it cancelled at random, takes linear time',
  async (_name, make) => {
    await measure(make, small)
    // The best of several: a collection in the middle of the small one would hide growth, in the large one feign it.
    let few = Infinity
    for (let i = 0; i < 5; i++) few = Math.min(few, await measure(make, small))
    let many = Infinity
    for (let i = 0; i < 6 && many / few >= 3; i++) many = Math.min(many, await measure(make, large))
    expect(many / few).toBeLessThan(3)
  },
  120_000,
)
