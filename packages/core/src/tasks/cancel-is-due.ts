import {
  type AsyncContext,
  resumeAsyncContext,
  saveAsyncContext,
} from '../context/async-context.ts'
import { currentFrame } from '../context/current.ts'
import type { CancelledError } from '../errors/errors.ts'
import { Claim } from '../futures/claim.ts'
import { describeWait } from '../futures/describe-wait.ts'
import { Future } from '../futures/future.ts'
import { detailsOf, type WaitDetails, waitDetails } from '../futures/wait-details.ts'
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
 * Whether a cancel will end the next wait of the running code: either a cancel of its task or of a scope is pending,
 * and the code has not got this cancel; or the code is inside a `cancelScope` that is cancelled. A cancel that code of
 * the same task has asked for does not count, as in asyncio. Usually no cancel is pending, and this function only
 * compares a number with 0.
 */
export function cancelIsDue(): boolean {
  if (!Cancellation.isAnyOpen() || isOperationCalled) return false
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
 * Returns a future that calls `operation` in a later turn (one step of the loop), as code of the caller's task.
 * `operation` returns a second future, and the first future ends with the outcome of the second. If a cancel ends the
 * first future before that turn, `operation` is never called. If no code awaits the first future, `operation` is called
 * nevertheless.
 */
export function deferred<T>(operation: () => Future<T>): Future<T> {
  return new Deferred(operation)
}

/**
 * Whether the operation of a Deferred is being called. The operation was put off already, so `cancelIsDue` then returns
 * false.
 */
let isOperationCalled = false

/**
 * This class is a Claim, although it takes nothing itself: the operation may take a lock or an item, and a cancel must
 * not come between that and the turn of the waiting code, because the lock or item would be lost. So the waiting code
 * resumes inside the turn in which the operation has its result.
 */
class Deferred<T> extends Claim<T> {
  readonly #operation: () => Future<T>
  readonly #context: AsyncContext = saveAsyncContext()
  #inner: Future<T> | null = null

  constructor(operation: () => Future<T>) {
    super()
    this.#operation = operation
    this.wake()
  }

  override cancel(message?: string | CancelledError): boolean {
    if (this.#inner !== null) return this.#inner.cancel(message)
    // `cancel` of a Claim that was woken may do nothing, and leave the cancel to `run`. But this future has taken
    // nothing yet. If it ends now, its cancel counts at once, as that of other waits that begin in the same turn.
    return Future.prototype.cancel.call(this, message)
  }

  override canBeLeft(): boolean {
    return this.#inner?.canBeLeft() ?? true
  }

  override describeWait(): string {
    return this.#inner === null ? 'an operation that was put off' : describeWait(this.#inner)
  }

  [waitDetails](): WaitDetails {
    if (this.#inner !== null) return detailsOf(this.#inner)
    return { kind: 'operation', label: this.describeWait() }
  }

  protected override claim(): void {
    isOperationCalled = true
    try {
      // oxlint-disable-next-line typescript/unbound-method -- the function is called with the second argument as its `this`
      resumeAsyncContext(this.#context, this as Deferred<unknown>, Deferred.#begin)
    } finally {
      isOperationCalled = false
    }
  }

  protected override decline(): void {}

  static #begin(this: Deferred<unknown>): void {
    let inner: Future<unknown>
    try {
      inner = this.#operation()
    } catch (error) {
      this.fail(error)
      return
    }
    if (inner.done()) {
      Deferred.#endAs(this, inner)
      return
    }
    this.#inner = inner
    inner.onDone(() => {
      this.#inner = null
      const [first, ...others] = this.takeReactions()
      Deferred.#endAs(this, inner)
      for (const reaction of others) this.getLoop().push(reaction)
      first?.run()
    })
  }

  static #endAs(deferred: Deferred<unknown>, inner: Future<unknown>): void {
    if (inner.cancelled()) deferred.endCancelled(inner.cancelledError())
    else if (inner.exception() !== null) deferred.fail(inner.exception())
    else deferred.fulfill(inner.result())
  }
}
