import type { EventLoop, Future } from '@tasktree/core'
import {
  checkCancelMessage,
  Claim,
  type Linked,
  startAtCaller,
  type WaitDetails,
  waitDetails,
} from '@tasktree/core/lowlevel'
import type { WaiterQueue } from './waiter-queue.ts'

/** The methods of a primitive that its waiters call. */
export interface Host<T, A> {
  /**
   * Called when the code of a woken waiter is about to continue: gives `waiter` what it asks for, makes it fail, or
   * leaves it in the queue.
   */
  serve(waiter: Waiter<T, A>): void
  /**
   * Called when `waiter` was cancelled, or its loop was closed, after it was woken. Gives the lock, item or permit for
   * which it was woken to another waiter.
   */
  pass(waiter: Waiter<T, A>): void
  /** Called when `waiter` is cancelled while it is in the queue, just before the waiter is removed from the queue. */
  leave?(waiter: Waiter<T, A>): void
  /** Called when the loop of `waiter` was closed and the waiter was removed from the queue. */
  forget?(waiter: Waiter<T, A>): void
  /**
   * True if the waiters of this host are entries that the primitive makes for itself. No caller gets such a waiter, so
   * debug mode does not report that no code has awaited it.
   */
  readonly keepsItsWaiters?: boolean
}

/**
 * The stack at the start of each wait, for the errors that the waits throw. Stored only in debug mode, because to
 * capture a stack costs more than a wait.
 */
const origins = new WeakMap<object, Error>()

/**
 * One pending `acquire`, `get`, `send` and so on. It is a future, an entry in the queue of its primitive, and it holds
 * what the caller has asked for. A cancel removes it from the queue at once, unless it was woken. A waiter without a
 * host is never woken; the primitive sets its result directly.
 *
 * All primitives use this one class. With a class for each primitive, V8 would read the fields of waiters much more
 * slowly, because it optimizes such code for at most four classes.
 */
export class Waiter<T, A = undefined> extends Claim<T> implements Linked<Waiter<T, A>> {
  /** The queue that this waiter is in or, if the waiter was removed, the last queue it was in. */
  list: WaiterQueue<T, A> | null = null
  nextInList: Waiter<T, A> | null = null
  previousInList: Waiter<T, A> | null = null
  readonly ask: A
  readonly #host: Host<T, A> | null

  constructor(host: Host<T, A> | null, ask: A, loop?: EventLoop) {
    super(loop === undefined ? undefined : { loop })
    this.ask = ask
    this.#host = host
    if (this.getLoop().getDebug()) origins.set(this, startAtCaller(new Error(), import.meta.url))
  }

  /**
   * Makes the waiter fail with `error`, which this package has made. In debug mode the stack of the error begins where
   * the wait began.
   */
  refuse(error: Error): void {
    const origin = origins.get(this)?.stack
    if (origin !== undefined) {
      error.stack = origin.replace(/^Error/, `${error.name}: ${error.message}`)
    }
    this.setException(error)
  }

  override cancel(msg?: Parameters<Future<T>['cancel']>[0]): boolean {
    checkCancelMessage(msg)
    // A waiter that was already woken is not removed here. When the loop comes to it, `pass` gives the lock, item or
    // permit to another waiter; but if only a `cancelScope` was cancelled, `serve` gives it to this waiter.
    if (!this.done() && !this.isWoken()) {
      this.#host?.leave?.(this)
      this.list?.remove(this)
    }
    return super.cancel(msg)
  }

  /** Removes this waiter from the queue, because its loop is closed and its code will never continue. */
  forget(): void {
    this.list?.remove(this)
    this.#host?.forget?.(this)
  }

  override isUnused(): boolean {
    return this.#host?.keepsItsWaiters !== true && super.isUnused()
  }

  override describeWait(): string {
    return this.list?.describe(this) ?? super.describeWait()
  }

  /** @internal */
  [waitDetails](): WaitDetails {
    return this.list?.details(this) ?? { kind: 'waiter', label: super.describeWait() }
  }

  protected override claim(): void {
    this.#host?.serve(this)
  }

  protected override decline(): void {
    this.#host?.pass(this)
  }
}
