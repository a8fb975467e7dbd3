import { describe } from '../arguments.ts'
import { type Awaitable, Coroutine } from '../tasks/coroutine.ts'
import { getEventLoop } from '../context/current.ts'
import { checkAwaitable, ensureFuture } from '../tasks/ensure-future.ts'
import { type CancelledError, toCancelledError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import type { EventLoop } from '../loop/loop.ts'
import { Task } from '../tasks/task.ts'

/** The results of a list of awaitables, in its order. */
export type Results<T extends readonly Awaitable<unknown>[]> = {
  -readonly [K in keyof T]: T[K] extends Awaitable<infer R> ? R : never
}

/** The same with `returnExceptions`. What was thrown need not be an Error; nearly always it is one. */
export type Outcomes<T extends readonly Awaitable<unknown>[]> = {
  -readonly [K in keyof T]: (T[K] extends Awaitable<infer R> ? R : never) | Error
}

/** Cancelling it cancels the children; it ends when they have. */
class Gathering<T> extends Future<T> {
  readonly #children: Iterable<Future<unknown>>
  /** Whether a cancel went to a child: then the outcome is a CancelledError, whatever the children say. */
  cancelRequested = false

  constructor(loop: EventLoop, children: Iterable<Future<unknown>>) {
    super({ loop })
    this.#children = children
  }

  override cancel(msg?: string | CancelledError): boolean {
    if (this.done()) return false
    let accepted = false
    for (const child of this.#children) accepted = child.cancel(msg) || accepted
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
  options: { returnExceptions: true },
): Future<Outcomes<T>>
export function gather<const T extends readonly Awaitable<unknown>[]>(
  aws: T,
  options?: { returnExceptions?: boolean },
): Future<Results<T>>
export function gather(
  aws: readonly Awaitable<unknown>[],
  options?: { returnExceptions?: boolean },
): Future<unknown> {
  if (!Array.isArray(aws)) {
    throw new TypeError(`gather takes an array of awaitables, got ${describe(aws)}`)
  }
  const returnExceptions = options?.returnExceptions ?? false
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
      // Seen by nobody else: the first failure has been thrown already.
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
  // Only now that all are known may the outcome be drawn.
  for (const child of done) childEnded(child)
  return outer
}

/** A function that stands twice in the list runs twice; a Coroutine can run only once and is shared. */
export function ensureFutures<T>(aws: readonly Awaitable<T>[]): Future<T>[] {
  // All before the first begins.
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

/** Of the last child, whatever became of it: which one ended last is not looked at, as in asyncio. */
function lastCancel(children: Future<unknown>[]): CancelledError {
  const last = children.at(-1) as Future<unknown>
  if (last.cancelled()) return last.cancelledError()
  return toCancelledError(last instanceof Task ? last.cancelMessage : undefined)
}
