import { checkDelay, checkOptions, describe, isIterable } from '../arguments.ts'
import { Future } from '../futures/future.ts'
import { DetailedFuture } from '../futures/detailed-future.ts'

export const FIRST_COMPLETED = 'FIRST_COMPLETED'
export const FIRST_EXCEPTION = 'FIRST_EXCEPTION'
export const ALL_COMPLETED = 'ALL_COMPLETED'

type ReturnWhen = typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION | typeof ALL_COMPLETED

/**
 * One function for each value of `returnWhen`. `ended` is a future that has just ended. The function returns whether
 * the wait ends now, even if other futures are not done.
 */
const modes: Record<ReturnWhen, (ended: Future<unknown>) => boolean> = {
  FIRST_COMPLETED: () => true,
  FIRST_EXCEPTION: (ended) => !ended.cancelled() && ended.exception() !== null,
  ALL_COMPLETED: () => false,
}

/**
 * Waits until all futures are done. Returns the futures that are done and the futures that are still pending. With
 * `returnWhen` FIRST_COMPLETED, the wait ends when one future is done; with FIRST_EXCEPTION, when one future has failed
 * (a cancelled future has not failed) or all are done. After `timeout` milliseconds the wait ends without an error.
 * Neither the timeout nor a cancel of the waiting code cancels the futures. At its end, `wait` removes its callbacks
 * from the futures.
 *
 * @throws {TypeError} when `aws` is not an iterable of futures, and when `timeout` is NaN
 * @throws {RangeError} when `aws` is empty, or `returnWhen` is not one of the three modes
 *
 * @example
 *     const tasks = [5, 60_000].map((ms) => createTask(() => sleep(ms)))
 *     const { done, pending } = await wait(tasks, { returnWhen: FIRST_COMPLETED })
 *     console.log(done.size, pending.size) // 1 1
 *     await cancelTasks(pending)
 *
 * Source: asyncio.wait
 */
export function wait<F extends Future<unknown>>(
  aws: Iterable<F>,
  options?: { timeout?: number | null; returnWhen?: ReturnWhen },
): Promise<{ done: Set<F>; pending: Set<F> }> {
  if (!isIterable(aws)) {
    throw new TypeError(`wait takes an iterable of futures, got ${describe(aws)}`)
  }
  checkOptions(options)
  const returnWhen = options?.returnWhen ?? ALL_COMPLETED
  if (!Object.hasOwn(modes, returnWhen)) {
    throw new RangeError(
      `returnWhen must be one of ${Object.keys(modes).join(', ')}; got ${describe(returnWhen)}`,
    )
  }
  const futures = new Set(aws)
  if (futures.size === 0) throw new RangeError('wait needs at least one future, got none')
  for (const future of futures) {
    if (!(future instanceof Future)) {
      throw new TypeError(
        `wait takes futures and tasks, got ${describe(future)}: use createTask first`,
      )
    }
  }
  const timeout = options?.timeout ?? null
  return waitForSome(futures, timeout === null ? null : checkDelay(timeout), modes[returnWhen])
}

/**
 * Waits until all futures are done, until a future has ended for which `isEnough` returns true, or until `timeout`
 * milliseconds have passed; null means no timeout. Returns the futures that are done and the futures that are still
 * pending.
 */
export async function waitForSome<F extends Future<unknown>>(
  futures: ReadonlySet<F>,
  timeout: number | null,
  isEnough: (ended: F) => boolean,
): Promise<{ done: Set<F>; pending: Set<F> }> {
  // The waiter must belong to the loop of the futures. The current loop may be a different loop if the caller is not in
  // a task.
  const loop = (futures.values().next().value as F).getLoop()
  const waiter = new DetailedFuture<void>(
    () => {
      const pending = [...futures].filter((each) => !each.done())
      return { kind: 'wait', label: 'wait()', note: `${pending.length} left`, next: pending[0] }
    },
    { loop },
  )
  const release = (): void => {
    if (!waiter.done()) waiter.setResult()
  }
  const timer = timeout === null ? null : loop.callLater(timeout, release)
  let left = futures.size
  const reactions = [...futures].map((future) =>
    future.onDone(() => {
      left--
      if (left > 0 && !isEnough(future)) return
      timer?.cancel()
      release()
    }),
  )
  try {
    await waiter
  } finally {
    timer?.cancel()
    let i = 0
    for (const future of futures) future.removeReaction(reactions[i++] as (typeof reactions)[0])
  }
  const done = new Set<F>()
  const pending = new Set<F>()
  for (const future of futures) (future.done() ? done : pending).add(future)
  return { done, pending }
}
