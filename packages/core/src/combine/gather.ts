import { checkCancelMessage, checkFlag, checkOptions, describe } from '../arguments.ts'
import { type Awaitable, Coroutine } from '../tasks/coroutine.ts'
import { getEventLoop } from '../context/current.ts'
import { checkAwaitable, ensureFuture } from '../tasks/ensure-future.ts'
import { cancelChild } from '../tasks/propagate-cancel.ts'
import { type CancelledError, toCancelledError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import { type WaitDetails, waitDetails } from '../futures/wait-details.ts'
import type { EventLoop } from '../loop/loop.ts'

/** The type of the result of an awaitable. */
export type Result<A> = A extends Awaitable<infer R> ? R : never

/** The types of the results of a list of awaitables, in the order of the list. */
export type Results<T extends readonly Awaitable<unknown>[]> = {
  -readonly [K in keyof T]: Result<T[K]>
}

/**
 * The types in the list that `gather` gives with `returnExceptions`: each entry is the result of an awaitable, or the
 * value that it has thrown. The type of a thrown value is given as Error, because nearly every thrown value is an
 * Error.
 */
export type Outcomes<T extends readonly Awaitable<unknown>[]> = {
  -readonly [K in keyof T]: Result<T[K]> | Error
}

/**
 * The future that `gather` returns. Its children are the futures of the awaitables. A cancel of this future only
 * cancels the children, and the ends of the children then end this future.
 */
class Gathering<T> extends Future<T> {
  readonly #children: Iterable<Future<unknown>>
  /**
   * Whether a cancel of this future has cancelled at least one child. If true, this future does not end with a list of
   * results, even if all children return values.
   */
  cancelRequested = false

  constructor(loop: EventLoop, children: Iterable<Future<unknown>>) {
    super({ loop })
    this.#children = children
  }

  [waitDetails](): WaitDetails {
    let left = 0
    let next: Future<unknown> | null = null
    for (const child of this.#children) {
      if (child.done()) continue
      next ??= child
      left++
    }
    const parts = this.#children
    return { kind: 'gather', label: 'gather()', note: `${left} left`, next, parts }
  }

  override cancel(msg?: string | CancelledError): boolean {
    checkCancelMessage(msg)
    if (this.done()) return false
    let accepted = false
    for (const child of this.#children) accepted = cancelChild(child, msg) || accepted
    if (accepted) this.cancelRequested = true
    return accepted
  }
}

/**
 * Runs all awaitables at the same time. Returns a future of the list of their results, in the order of `aws`. If an
 * awaitable fails, the future fails at once with the same error, and the other awaitables continue. With
 * `returnExceptions`, such a failure does not end the future: the error is in the list in place of the result.
 * A cancel of the returned future cancels all awaitables that have not ended. If other code cancels an awaitable, the
 * awaitable counts as failed with a CancelledError.
 *
 * @throws {TypeError} when `aws` is not an array, or holds something that cannot be awaited
 *
 * @example
 *     const [name, size] = await gather([sleep(5, 'cat.png'), async () => 512])
 *     console.log(name, size) // cat.png 512
 *
 * Source: asyncio.gather. Differs: takes one array.
 */
export function gather<const T extends readonly Awaitable<unknown>[]>(
  aws: T,
  options?: { returnExceptions?: false | undefined },
): Future<Results<T>>
/** The overload for calls in which `returnExceptions` is, or may be, true: the list of results may contain errors. */
export function gather<const T extends readonly Awaitable<unknown>[]>(
  aws: T,
  options: { returnExceptions?: boolean | undefined },
): Future<Outcomes<T>>
export function gather(
  aws: readonly Awaitable<unknown>[],
  options?: { returnExceptions?: boolean | undefined },
): Future<unknown> {
  if (!Array.isArray(aws)) {
    throw new TypeError(`gather takes an array of awaitables, got ${describe(aws)}`)
  }
  checkOptions(options)
  const { returnExceptions = false } = options ?? {}
  checkFlag('returnExceptions', returnExceptions)
  const loop = getEventLoop()
  if (aws.length === 0) {
    const empty = new Future<unknown[]>({ loop })
    empty.setResult([])
    return empty
  }
  const children = ensureFutures(aws)
  const outer = new Gathering<unknown[]>(loop, children)
  let left = children.length
  const childEnded = (child: Future<unknown>): void => {
    left--
    if (outer.done()) {
      // The gather has ended already, with the first failure, and will not read the failure of this child. The call of
      // `exception()` marks this failure as read, so that it is not reported as an error that no code has read.
      if (!child.cancelled()) child.exception()
      return
    }
    if (!returnExceptions) {
      const failure = child.cancelled() ? child.cancelledError() : child.exception()
      if (child.cancelled() || failure !== null) {
        outer.setException(failure)
        return
      }
    }
    if (left > 0) return
    const results = children.map(outcome)
    if (outer.cancelRequested) outer.setException(lastCancel(children))
    else outer.setResult(results)
  }
  const done = children.filter((child) => child.done())
  for (const child of children) if (!child.done()) child.onDone(childEnded)
  // For the children that were done already, `childEnded` is called last. This call may end `outer`. Before that,
  // `childEnded` must be registered with each other child, so that it marks a later failure of that child as read.
  for (const child of done) childEnded(child)
  return outer
}

/**
 * Makes a future of each awaitable. A function that is in the list twice is called twice. A Coroutine can run only
 * once, so if it is in the list twice, both entries get the same future.
 */
export function ensureFutures<T>(aws: readonly Awaitable<T>[]): Future<T>[] {
  // All awaitables are checked before the first one begins, so wrong input starts nothing.
  for (const awaitable of aws) checkAwaitable(awaitable)
  let begun: Map<Coroutine<T>, Future<T>> | null = null
  return aws.map((awaitable) => {
    if (!(awaitable instanceof Coroutine)) return ensureFuture(awaitable)
    begun ??= new Map()
    const future = begun.get(awaitable) ?? ensureFuture(awaitable)
    begun.set(awaitable, future)
    return future
  })
}

function outcome(child: Future<unknown>): unknown {
  if (child.cancelled()) return child.listedCancelledError()
  return child.exception() ?? child.result()
}

/**
 * Returns the error with which a cancelled `gather` ends: the CancelledError of the last child in the list. As in
 * asyncio, the last child in the list need not be the child that ended last. If the last child was not cancelled, a
 * CancelledError is made from the message of the newest cancel of that child that could not end a wait at once.
 */
function lastCancel(children: Future<unknown>[]): CancelledError {
  const last = children.at(-1) as Future<unknown>
  if (last.cancelled()) return last.cancelledError()
  return toCancelledError(last.ownExecution()?.cancelMessage)
}
