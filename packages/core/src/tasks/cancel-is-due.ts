import { currentFrame, getEventLoop } from '../context/current.ts'
import type { CancelledError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import type { Runnable } from '../loop/ready-queue.ts'
import type { EventLoop } from '../loop/loop.ts'
import { Cancellation } from './cancellation.ts'
import type { Frame } from './frame.ts'
import { findCancelledScope } from './level-cancel.ts'

/**
 * The problem: an operation whose result is ready does not wait. Take the loop `for await (const item of queue) await
 * write(item)`, in which `write` returns a promise that is not a future. As long as the queue has items, this loop
 * never waits on a future. So a cancel that comes during `write` would not be thrown until the queue is empty.
 *
 * The idea: an operation that could end at once asks `cancelIsDue()` first. If a cancel is still to be thrown, the
 * operation is done by a `Deferred`, in a later step of the loop. The code awaits the Deferred, and the cancel ends
 * this wait before the operation takes an item. In asyncio the problem does not exist, because a task of asyncio waits
 * only on futures.
 */

/**
 * Whether a cancel will end the next wait of the running code: either its task or a scope was cancelled, and the cancel
 * has ended no wait yet; or the code is inside a `cancelScope` that is cancelled. A cancel that the running code itself
 * has asked for does not count, as in asyncio. If no task and no scope is being cancelled, this function only compares
 * a number with 0.
 */
export function cancelIsDue(): boolean {
  if (!Cancellation.isAnyOpen()) return false
  const frame = currentFrame()
  if (frame === null) return false
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    const { cancellation } = each
    if (cancellation?.isDue === true && cancellation.isPendingFromElsewhere) return true
    if (each.isShielded) break
  }
  return findCancelledScope(frame) !== null
}

/**
 * Returns a future that calls `operation` in a later turn (one step of the loop). `operation` returns a second future,
 * and the first future ends with the outcome of the second. If a cancel ends the first future before that turn,
 * `operation` is never called. If no code awaits the first future, `operation` is called nevertheless.
 */
export function deferred<T>(operation: () => Future<T>): Future<T> {
  return new Deferred(getEventLoop(), operation)
}

class Deferred<T> extends Future<T> implements Runnable {
  readonly #operation: () => Future<T>
  #inner: Future<T> | null = null

  constructor(loop: EventLoop, operation: () => Future<T>) {
    super({ loop })
    this.#operation = operation
    loop.push(this)
  }

  override cancel(message?: string | CancelledError): boolean {
    return this.#inner === null ? super.cancel(message) : this.#inner.cancel(message)
  }

  run(): void {
    if (this.done()) return
    const inner = this.#operation()
    if (inner.done()) this.#endAs(inner)
    else {
      this.#inner = inner
      inner.onDone(() => this.#endAs(inner))
    }
  }

  label(): string {
    return 'an operation that was put off'
  }

  #endAs(inner: Future<T>): void {
    this.#inner = null
    if (inner.cancelled()) this.endCancelled(inner.cancelledError())
    else if (inner.exception() !== null) this.fail(inner.exception())
    else this.fulfill(inner.result())
  }
}
