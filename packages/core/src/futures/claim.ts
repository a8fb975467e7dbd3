import { checkSignal } from '../arguments.ts'
import { CancelledError, isCancelled, toCancelledError } from '../errors/errors.ts'
import { Future } from './future.ts'
import type { Runnable } from '../loop/ready-queue.ts'

/**
 * A future that takes a resource for its waiter, such as a lock or an item of a queue. It takes the resource only in
 * the turn of the loop in which the waiter resumes. Locks, queues and other primitives extend this class.
 *
 * `wake()` puts the claim in the ready queue. In its turn the claim takes the resource (`claim()`). If the waiting task
 * was cancelled after the wake-up, the claim leaves the resource to the next waiter instead (`decline()`). Until that
 * turn no waiter has the resource. So if a release and a cancel come at the same moment, the resource is neither lost
 * nor given to two waiters.
 *
 * Between `wake()` and that turn, `cancel()` returns false if exactly one task waits: the task remembers the cancel,
 * and `run()` asks the task for it.
 */
export abstract class Claim<T> extends Future<T> implements Runnable {
  /**
   * @internal The bundler renames a class that refers to itself to `_Claim`; this property keeps the name that users
   * see.
   */
  static override readonly name: string = 'Claim'

  #woken = false

  /**
   * Puts this claim in the ready queue. Returns false if the claim is there already, if it is done, or if its loop is
   * closed.
   */
  wake(): boolean {
    const loop = this.getLoop()
    if (this.#woken || this.done() || loop.isClosed()) return false
    loop.push(this.woken())
    return true
  }

  /**
   * @internal the loop calls this if it is closed while this claim is in the ready queue; the resource goes to the next
   * waiter
   */
  dropped(): void {
    this.#woken = false
    this.decline()
  }

  /** Whether this claim is in the ready queue: it was woken, and its turn has not come yet. */
  isWoken(): boolean {
    return this.#woken
  }

  /**
   * Returns a text that describes this claim, such as "Lock #3, held by Task-2"; by default the name of the class. The
   * task tree and DeadlockError show this text for a task that awaits this claim. This method must not throw.
   */
  describeWait(): string {
    return this.constructor.name
  }

  /**
   * Whether this claim is pending and no code waits for it. Debug mode reports such a claim when the task that made it
   * ends. A primitive overrides this method for claims that it makes for itself and gives to no caller. This method
   * must not throw.
   */
  override isUnused(): boolean {
    return super.isUnused()
  }

  /**
   * @internal whether the waiter of this claim may stop waiting. False once the claim is woken, because the claim will
   * then take the lock or the item for that waiter in its turn of the loop.
   */
  override canBeLeft(): boolean {
    return !this.#woken || this.takesNothing()
  }

  /**
   * @internal whether this claim waits only for a turn of the loop, and for no resource such as a lock or an item. The
   * claim of `sleep(0)` is an example. No other waiter loses anything when the waiter of such a claim stops waiting.
   */
  takesNothing(): boolean {
    return false
  }

  /**
   * Called in this claim's turn of the loop. Must take the resource and fulfill this future, or leave this future
   * pending and put this claim back in the line of waiters.
   */
  protected abstract claim(): void

  /**
   * Called instead of `claim()` when the waiter was cancelled after the wake-up, or when the loop was closed. Must
   * leave the resource, for which this claim was woken, to the next waiter.
   */
  protected abstract decline(): void

  /**
   * Cancels this future. But if this claim was woken and exactly one task waits for it, changes nothing and returns
   * false: the task remembers the cancel, and `run()` finds it in the task and declines. If there are several waiters,
   * or if the waiter is not a task, this future is cancelled at once, and `run()` declines because this future is done.
   */
  override cancel(msg?: string | CancelledError): boolean {
    if (this.#woken && this.soleReaction()?.waitingFrame?.task != null) return false
    return super.cancel(msg)
  }

  /** @internal marks this claim as woken and returns it; the caller must put it in the ready queue */
  protected woken(): this {
    this.#woken = true
    return this
  }

  /** @internal */
  label(): string {
    const sole = this.soleReaction()
    return sole?.waitingFrame == null ? this.constructor.name : sole.label()
  }

  /** @internal */
  run(): void {
    this.#woken = false
    if (this.done()) {
      this.decline()
      return
    }
    const sole = this.soleReaction()
    if (sole === null) Claim.#runForMany(this)
    else if (sole.waitingFrame?.mustCancel === true) {
      this.decline()
      this.removeReaction(sole)
      // `sole.run()` may run code of the program at once: the code of a generator coroutine. That code must find this
      // future done.
      this.endCancelled(sole.waitingFrame.cancelMessage)
      sole.run()
    } else {
      this.removeReaction(sole)
      this.claim()
      // The waiting code resumes in the turn of the claim, as a coroutine of asyncio does.
      if (this.done()) sole.run()
      else {
        this.react(sole)
        // While this claim was in the ready queue, a cancelled scope could not end this wait. The claim has taken
        // nothing, so the scope can end the wait now.
        sole.waitingFrame?.endWaitInCancelledScope(sole, this)
      }
    }
  }

  /**
   * Runs the turn of a claim that has no waiter, or several waiters: takes the resource. The first waiter resumes in
   * this turn, and each other waiter in a turn of its own.
   */
  static #runForMany(future: Claim<unknown>): void {
    const reactions = future.takeReactions()
    future.claim()
    if (!future.done()) {
      for (const reaction of reactions) future.react(reaction)
      return
    }
    const [first, ...others] = reactions
    for (const reaction of others) future.getLoop().push(reaction)
    first?.run()
  }
}

/**
 * Cancels `future` when `signal` aborts, and returns `future`. The reason of the signal becomes the cause of the
 * CancelledError. The listener is removed when the future ends; otherwise a signal that lives long would collect
 * listeners.
 */
export function cancelOnAbort<F extends Future<unknown>>(
  future: F,
  signal: AbortSignal | undefined,
): F {
  if (signal === undefined || future.done()) return future
  checkSignal(signal)
  const abort = (): void => {
    future.cancel(abortError(signal))
  }
  if (signal.aborted) {
    abort()
    return future
  }
  signal.addEventListener('abort', abort, { once: true })
  future.onDone(() => signal.removeEventListener('abort', abort))
  return future
}

/**
 * Returns the error that an operation throws when `signal` has stopped it: the reason of the signal if that is a
 * CancelledError, or else a new CancelledError with the reason as its cause.
 */
export function abortError(signal: AbortSignal): CancelledError {
  const reason: unknown = signal.reason
  return isCancelled(reason)
    ? toCancelledError(reason)
    : new CancelledError('the signal was aborted', { cause: reason })
}
