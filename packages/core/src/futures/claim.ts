import { checkSignal } from '../arguments.ts'
import { CancelledError } from '../errors/errors.ts'
import { Future } from './future.ts'
import type { Runnable } from '../loop/ready-queue.ts'

/**
 * A future that takes what it waits for only in its waiter's own turn: the base of locks, queues and
 * their like.
 *
 * Waking it (`wake`) puts it in the ready queue. In its turn it either takes the thing (`claim`), or,
 * when its task was cancelled in between, lets it go to the next in line (`decline`). So a grant and a
 * cancel in the same instant can neither lose the thing nor hand it out twice: until the turn, nobody
 * has it. Between the two a cancel of the future itself comes too late, as for one that is done.
 */
export abstract class Claim<T> extends Future<T> implements Runnable {
  /** @internal the bundler calls a class that names itself `_Claim` */
  static override readonly name: string = 'Claim'

  #woken = false

  /** Gives it its turn. False if it has one already, is done, or belongs to a loop that is closed and so has no turns. */
  wake(): boolean {
    const loop = this.getLoop()
    if (this.#woken || this.done() || loop.isClosed()) return false
    loop.push(this.woken())
    return true
  }

  /** @internal its loop was closed before its turn came */
  dropped(): void {
    this.#woken = false
    this.decline()
  }

  /** Whether it was woken and its turn is still to come. */
  isWoken(): boolean {
    return this.#woken
  }

  /**
   * What a task that awaits it waits for, as in "Lock #3, held by Task-2"; by default the name of its class. The task tree
   * and DeadlockError show it. It must not throw.
   */
  describeWait(): string {
    return this.constructor.name
  }

  /** @internal once it is woken it takes the thing in its turn, and so it must have its waiter then */
  override canBeLeft(): boolean {
    return !this.#woken || this.takesNothing()
  }

  /** @internal a turn of the loop, which no other waiter could have instead */
  takesNothing(): boolean {
    return false
  }

  /** In its turn: takes the thing and fulfills this future; or leaves it pending, and must then have queued it again. */
  protected abstract claim(): void

  /** In its turn, or when cancelled after it was woken: it does not take the thing. */
  protected abstract decline(): void

  override cancel(msg?: string | CancelledError): boolean {
    if (this.#woken && this.soleReaction()?.waitingFrame?.task != null) return false
    return super.cancel(msg)
  }

  /** @internal marks it as woken; the caller puts it in the ready queue */
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
      // First: a generator coroutine's code runs inside of `run`.
      this.endCancelled(sole.waitingFrame.cancelMessage)
      sole.run()
    } else {
      this.removeReaction(sole)
      this.claim()
      // The waiter goes on in this same turn, as a coroutine of asyncio does.
      if (this.done()) sole.run()
      else this.react(sole)
    }
  }

  /** Nobody waits, or several do: then the first goes on in this turn. */
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
 * Cancels `future` when `signal` aborts; the signal's reason is the CancelledError's cause. The
 * listener is removed when the future ends, for signals that live long.
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

/** What an operation throws that was stopped by `signal`. */
export function abortError(signal: AbortSignal): CancelledError {
  const reason: unknown = signal.reason
  return reason instanceof CancelledError
    ? reason
    : new CancelledError('the signal was aborted', { cause: reason })
}
