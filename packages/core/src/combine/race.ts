import { describe } from '../arguments.ts'
import { isCancelled } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'
import { cancelAll, untilAllEnded } from '../tasks/cancel-and-wait.ts'
import type { Awaitable } from '../tasks/coroutine.ts'
import { ensureFutures } from './gather.ts'
import { FIRST_COMPLETED, wait, waitForSome } from './wait.ts'

/**
 * Runs all awaitables at the same time. The awaitable that ends first wins, and `race` ends with its result or its
 * error. Before that, `race` cancels the other awaitables and waits until they have ended. A plain promise cannot be
 * cancelled, so `race` does not wait for it. A cancel of the code that awaits `race` cancels all awaitables.
 *
 * @throws {TypeError} when `aws` is not an array, or holds something that cannot be awaited
 * @throws {RangeError} when `aws` is empty
 *
 * @example
 *     const answer = await race([() => sleep(500, 'slow'), () => sleep(1, 'fast')])
 *     console.log(answer) // fast
 *
 * Source: Promise.race. Differs: the losers are cancelled.
 */
export function race<T>(aws: readonly Awaitable<T>[]): Promise<T> {
  check('race', aws)
  return runRace(ensureFutures(aws))
}

async function runRace<T>(futures: readonly Future<T>[]): Promise<T> {
  let winner: Future<T> | undefined
  try {
    const { done } = await wait(futures, { returnWhen: FIRST_COMPLETED })
    winner = futures.find((future) => done.has(future))
  } finally {
    // If a cancel ends this wait, the winner's failure is not thrown, so it must stay unread, and is reported.
    await endAll(futures.filter((future) => future !== winner))
  }
  return (winner as Future<T>).result()
}

/**
 * Runs all awaitables at the same time. The awaitable that succeeds first wins, and `any` returns its result. Before
 * that, `any` cancels the other awaitables and waits until they have ended. If all awaitables fail, `any` throws an
 * AggregateError with their errors, in the order of `aws`. A cancel of the code that awaits `any` cancels all
 * awaitables.
 *
 * @throws {TypeError} when `aws` is not an array, or holds something that cannot be awaited
 * @throws {AggregateError} when all awaitables have failed, or `aws` is empty
 *
 * @example
 *     const broken = async () => {
 *       throw new Error('no connection')
 *     }
 *     console.log(await any([broken, () => sleep(5, 'the mirror')])) // the mirror
 *
 * Source: Promise.any. Differs: the losers are cancelled.
 */
export function any<T>(aws: readonly Awaitable<T>[]): Promise<T> {
  if (!Array.isArray(aws) || aws.length > 0) check('any', aws)
  return runAny(ensureFutures(aws))
}

async function runAny<T>(futures: readonly Future<T>[]): Promise<T> {
  try {
    if (futures.length > 0) await waitForSome(new Set(futures), null, hasSucceeded)
    const winner = futures.find(hasSucceeded)
    if (winner !== undefined) return winner.result()
    throw new AggregateError(futures.map(errorOf), 'all of them failed')
  } finally {
    await endAll(futures)
  }
}

function check(call: string, aws: unknown): void {
  if (!Array.isArray(aws)) {
    throw new TypeError(`${call} takes an array of awaitables, got ${describe(aws)}`)
  }
  if (aws.length === 0) throw new RangeError(`${call} needs at least one contestant, got none`)
}

function hasSucceeded(future: Future<unknown>): boolean {
  return future.done() && !future.cancelled() && !future.hasFailed()
}

function errorOf(future: Future<unknown>): unknown {
  return future.cancelled() ? future.cancelledError() : future.exception()
}

/**
 * Cancels the futures that are not done, and waits until they have ended. If a cancelled future ends with an error that
 * is not a CancelledError, the error is passed to the exception handler of the loop.
 */
async function endAll(futures: readonly Future<unknown>[]): Promise<void> {
  const losers = new Set(futures.filter((future) => !future.done()))
  try {
    await untilAllEnded([...losers], cancelAll(losers))
  } finally {
    for (const future of futures) reportFailure(future, losers.has(future))
  }
}

function reportFailure(future: Future<unknown>, isLoser: boolean): void {
  if (!future.done() || future.cancelled() || !future.hasFailed()) return
  // The call of `exception()` marks the failure as read.
  const exception = future.exception()
  if (!isLoser || isCancelled(exception)) return
  future.getLoop().callExceptionHandler({
    message: 'Unhandled exception while the loser of a race was being cancelled',
    exception,
    future,
  })
}
