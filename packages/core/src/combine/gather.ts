import { checkCancelMessage, checkOptions, describe } from '../arguments.ts'
import { type Awaitable, Coroutine } from '../tasks/coroutine.ts'
import { getEventLoop } from '../context/current.ts'
import { checkAwaitable, ensureFuture } from '../tasks/ensure-future.ts'
import { cancelChild } from '../tasks/propagate-cancel.ts'
import { type CancelledError, toCancelledError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import { type WaitDetails, waitDetails } from '../futures/wait-details.ts'
import type { EventLoop } from '../loop/loop.ts'

/** What an awaitable gives. */
export type Result<A> = A extends Awaitable<infer R> ? R : never

/** The results of a list of awaitables, in its order. */
export type Results<T extends readonly Awaitable<unknown>[]> = {
  -readonly [K in keyof T]: Result<T[K]>
}

/** The same with `returnExceptions`. What was thrown need not be an Error; nearly always it is one. */
export type Outcomes<T extends readonly Awaitable<unknown>[]> = {
  -readonly [K in keyof T]: Result<T[K]> | Error
}

/** The future that gather returns. Its cancel goes to the children; it ends when they have ended. */
class Gathering<T> extends Future<T> {
  readonly #children: Iterable<Future<unknown>>
  /** Whether a child has accepted a cancel: then the outcome is a CancelledError, no matter how the children end. */
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
    return { kind: 'gather', label: 'gather()', note: `${left} left`, next }
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
 * Runs all at once and gives their results in order. The first failure is thrown at once, and the
 * others go on; with `returnExceptions` failures stand among the results. Cancelling it cancels all
 * that have not ended; a child that is cancelled by others counts as failed with CancelledError.
 *
 * @throws {TypeError} when `aws` is not an array, or holds what cannot be awaited
 *
 * Source: asyncio.gather. Differs: takes one array.
 */
export function gather<const T extends readonly Awaitable<unknown>[]>(
  aws: T,
  options?: { returnExceptions?: false | undefined },
): Future<Results<T>>
/** With an option whose value is not known, the results may hold errors. */
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
  if (typeof returnExceptions !== 'boolean') {
    throw new TypeError(
      `the option returnExceptions must be true or false, got ${describe(returnExceptions)}`,
    )
  }
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
      // The first failure has been thrown already, so nobody else looks at this one.
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
  // Only now, because the outcome must not be known before all children are.
  for (const child of done) childEnded(child)
  return outer
}

/** A function that is twice in the list runs twice. A Coroutine can run only once, so both places share its task. */
export function ensureFutures<T>(aws: readonly Awaitable<T>[]): Future<T>[] {
  // All of them, before the first one begins.
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

/** The cancel of the last child in the list, which need not be the one that ended last, as in asyncio. */
function lastCancel(children: Future<unknown>[]): CancelledError {
  const last = children.at(-1) as Future<unknown>
  if (last.cancelled()) return last.cancelledError()
  return toCancelledError(last.ownExecution()?.cancelMessage)
}
