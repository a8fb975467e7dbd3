import { type Awaitable, describe } from './coroutine.ts'
import { getEventLoop } from './current.ts'
import { ensureFuture } from './ensure-future.ts'
import { CancelledError } from './errors.ts'
import { Future } from './future.ts'
import type { EventLoop } from './loop.ts'

/** The results of a list of awaitables, in its order. */
export type Results<T extends readonly Awaitable<unknown>[]> = {
  -readonly [K in keyof T]: T[K] extends Awaitable<infer R> ? R : never
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
): Future<{ [K in keyof Results<T>]: Results<T>[K] | Error }>
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
  const unique = new Map<unknown, Future<unknown>>()
  const children = (aws as Awaitable<unknown>[]).map((awaitable) => {
    let child = unique.get(awaitable)
    if (child === undefined) {
      child = ensureFuture(awaitable)
      unique.set(awaitable, child)
    }
    return child
  })
  const outer = new Gathering<unknown[]>(loop, unique.values().toArray())
  let left = unique.size
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
  for (const child of unique.values()) {
    if (!child.done()) child.onDone(childEnded)
  }
  for (const child of unique.values()) {
    if (child.done()) childEnded(child)
  }
  return outer
}

function outcome(child: Future<unknown>): unknown {
  if (child.cancelled()) return child.cancelledError()
  return child.exception() ?? child.result()
}

function lastCancel(children: Future<unknown>[]): CancelledError {
  const cancelled = children.findLast((child) => child.cancelled())
  return cancelled?.cancelledError() ?? new CancelledError()
}
