import { standForMaps } from '../context/async-context.ts'
import type { Context } from '../context/context-vars.ts'
import type { CancelledError } from '../errors/errors.ts'
import type { Reject, Resolve } from '../futures/awaiter.ts'
import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Cancellation } from './cancellation.ts'
import { ChainWait } from './chain-wait.ts'
import { beginWait, mustRefuse, refuse, resumeWait } from './deliver-cancel.ts'
import { FrameWaits } from './frame-waits.ts'
import { findCancelledScope, cancelNewWait } from './level-cancel.ts'
import type { Task } from './task.ts'

/**
 * The running body of a scope, of a task or of a loop. Every wait belongs to a frame, so that a cancel of a scope ends
 * the waits of its own body and no others (`frame-waits.ts` says more).
 */
export abstract class Frame extends FrameWaits {
  /** @internal whether this frame has a shield: cancels of the frames around it do not reach the waits inside it */
  get isShielded(): boolean {
    return false
  }

  /**
   * @internal notes that a cancel of a frame around this one is thrown inside this frame; the scope must then throw the
   * CancelledError on to its caller
   */
  noteCancelFromOutside(): void {}

  /**
   * @internal called when the shield of this frame has kept a cancel out. If `shielded` was called with the option
   * `grace`, it then starts a timer, and removes the shield after that time.
   */
  cancelKeptOut(): void {}

  /** @internal the tasks of the group if this is the frame of a task group; otherwise none */
  get members(): Iterable<Task> {
    return []
  }

  /** Whether this frame is inside a cancelled scope, with no shield between (`level-cancel.ts`). */
  isLevelCancelled(): boolean {
    return findCancelledScope(this) !== null
  }

  /**
   * @internal ends the wait of this frame on `future`, if this frame is inside a cancelled scope. `reaction` resumes
   * the waiting code. `future` is a claim: the future of a waiter for a lock, an item or the like. While the claim was
   * about to take the lock, the cancelled scope could not end the wait. This is called when the claim has got nothing
   * and its waiter would have to wait again.
   */
  endWaitInCancelledScope(reaction: Reaction, future: Future<unknown>): void {
    const cancelledScope = findCancelledScope(this)
    if (cancelledScope !== null) cancelNewWait(this, reaction, future, cancelledScope)
  }

  /**
   * @internal ends the wait of a scope for a promise that its body has returned, if the work behind that promise was
   * begun outside of the scope. `message` is the message of the cancel. Returns false if there is no such wait.
   */
  abandonReturned(_message: string | CancelledError | undefined): boolean {
    return false
  }

  /** @internal the context variables that code in this frame sees */
  abstract scopeContext(): Context

  /** @internal */
  override get frame(): Frame {
    return this
  }

  /**
   * @internal yields the only entry of this frame. Node iterates over this frame when it copies a map of
   * AsyncLocalStorage values, because a frame can stand in place of such a map.
   */
  *[Symbol.iterator](): Iterator<unknown> {
    yield this
  }

  /**
   * @internal whether a cancel of this frame, or of a frame around it in the same task, is pending (it has ended no
   * wait yet) and not kept out by a shield
   */
  override get mustCancel(): boolean {
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if (frame.cancellation?.isDue === true) return true
      if (frame.isShielded) return false
    }
    return false
  }

  /** @internal the message of the pending cancel that `mustCancel` has found */
  get cancelMessage(): string | CancelledError | undefined {
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if (frame.cancellation?.pending === true) return frame.cancellation.remembered
      if (frame.isShielded) break
    }
    return this.cancellation?.remembered
  }

  /**
   * @internal the number of cancels of this frame, and of the frames around it in the same task, that were not taken
   * back
   */
  cancelling(): number {
    let sum = 0
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      sum += frame.cancellation?.count ?? 0
    }
    return sum
  }

  /**
   * @internal the number of cancels that were not taken back: of this frame, and of the frames around it in the same
   * task up to the nearest shield
   */
  visibleCancels(): number {
    let sum = 0
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      sum += frame.cancellation?.count ?? 0
      if (frame.isShielded) break
    }
    return sum
  }

  /**
   * @internal takes back one cancel: of this frame, or of the nearest frame around it that has one. Returns the number
   * of cancels that remain.
   */
  uncancel(): number {
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if ((frame.cancellation?.count ?? 0) === 0) continue
      frame.cancellation?.takeBack()
      break
    }
    return this.cancelling()
  }

  /**
   * @internal makes a cancel pending again, so that the next wait throws a CancelledError. Called when a scope throws
   * another error in place of the CancelledError. If several frames have a cancel that was not taken back, the cancel
   * of the outermost of them (up to the nearest shield) becomes pending, because the scopes of the inner frames end
   * before the next wait begins.
   */
  cancelAgain(): void {
    let outermost: Cancellation | null = null
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if ((frame.cancellation?.count ?? 0) > 0) outermost = frame.cancellation
      if (frame.isShielded) break
    }
    outermost?.again()
  }

  /** @internal the message of the innermost cancel that was not taken back */
  newestMessage(): string | CancelledError | undefined {
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if ((frame.cancellation?.count ?? 0) > 0) return frame.cancellation?.message
    }
    return undefined
  }

  /**
   * @internal whether `error` is the AbortError of a library that was given the signal of this frame, or of a frame
   * around it, and that frame was cancelled
   */
  isOwnAbort(error: unknown): boolean {
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if (frame.cancellation?.isOwnAbort(error) === true) return true
    }
    return false
  }

  /**
   * @internal begins the wait of an `await` such as `await future.catch(log)`, while `future` is pending. The awaited
   * promise is a chain: it was made from `future` by `then`, `catch` or `finally`. `settled` calls one of its two
   * arguments when the chain has ended; `resolve` and `reject` continue the waiting code.
   */
  beginChainedAwait(
    future: Future<unknown>,
    settled: (end: Resolve, fail: Reject) => unknown,
    resolve: Resolve,
    reject: Reject,
  ): void {
    const isRefused = this.mustRefuse()
    // If the wait is refused, the waiting code gets a CancelledError, and no code reads the outcome of the chain.
    // `Boolean` is passed as a function that does nothing, so that a failure of the chain counts as handled.
    if (isRefused) settled(Boolean, Boolean)
    this.beginAwait(isRefused ? future : new ChainWait(future, settled), resolve, reject)
  }

  override mustRefuse(): boolean {
    return mustRefuse(this)
  }

  override refuse(future: Future<unknown>): Future<never> {
    return refuse(this, future)
  }

  override begunWait(reaction: Reaction, future: Future<unknown>): void {
    beginWait(this, reaction, future)
  }

  override resume(key: Reaction, future: Future<unknown>): CancelledError | null {
    return resumeWait(this, key, future)
  }
}

standForMaps(Frame.prototype)

/**
 * The outermost frame of a loop, for its callbacks and for `detached` code. It has no task, and exists as long as the
 * loop.
 */
export class LoopFrame extends Frame {
  override readonly scopeLoop: EventLoop
  readonly #context: () => Context

  constructor(loop: EventLoop, context: () => Context) {
    super(null, null)
    this.scopeLoop = loop
    this.#context = context
  }

  override scopeContext(): Context {
    return this.#context()
  }
}
