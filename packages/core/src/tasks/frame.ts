import { standForMaps } from '../context/async-context.ts'
import type { Context } from '../context/context-vars.ts'
import {
  cancelBehindAbort,
  type CancelledError,
  isAbortError,
  isCancelled,
  toCancelledError,
} from '../errors/errors.ts'
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
 * The object for one scope or task, or for the callbacks of a loop. Each wait belongs to the frame whose code waits, so
 * that a cancel of a scope ends the waits of its own body and no others (`frame-waits.ts` says more).
 */
export abstract class Frame extends FrameWaits {
  /**
   * @internal whether this scope is a shield: cancels of the task and of the scopes around it do not reach the waits
   * inside it
   */
  get isShielded(): boolean {
    return false
  }

  /**
   * @internal notes that code inside this scope gets the CancelledError of a cancel that came from outside the scope;
   * the scope must then throw this error on to its caller. ScopeFrame overrides this method
   */
  noteCancelFromOutside(): void {}

  /**
   * @internal called when the shield of this scope has kept a cancel out. ScopeFrame overrides this method: if the
   * shield was made by `shielded` with the option `grace`, it starts a timer that removes the shield.
   */
  cancelKeptOut(): void {}

  /** @internal the tasks of the group if this is the frame of a task group; otherwise none */
  get members(): Iterable<Task> {
    return []
  }

  /**
   * @internal notes that the tasks of the group were cancelled before the code that has opened the group has got the
   * cancel. When that code passes the cancel on to the group, it does not cancel these tasks a second time. ScopeFrame
   * overrides this method
   */
  noteMembersCancelled(): void {}

  /**
   * Whether every wait of this scope or task throws (`level-cancel.ts`). This is so if this scope, or a scope around
   * this scope or task, is a `cancelScope` that was cancelled. A cancel that a shield keeps out does not count.
   */
  isLevelCancelled(): boolean {
    return findCancelledScope(this) !== null
  }

  /**
   * @internal called when `future` has tried to take a thing, such as a lock or an item of a queue, and has got
   * nothing. The code that awaits `future` then goes on waiting. Before that, while `future` was about to take the
   * thing, the cancel of a `cancelScope` around the code could not end the wait, because the thing might have been
   * lost. If there was such a cancel, this method ends the wait now. `reaction` is the object that the loop calls to
   * resume the code.
   */
  endWaitInCancelledScope(reaction: Reaction, future: Future<unknown>): void {
    const cancelledScope = findCancelledScope(this)
    if (cancelledScope !== null) cancelNewWait(this, reaction, future, cancelledScope)
  }

  /**
   * @internal ends the wait of a scope for a promise that its body has returned, if the work behind that promise was
   * begun outside of the scope. A cancel cannot end such work, so only the wait for it ends. `message` is the message
   * of the cancel. Returns false if there is no such wait: then this call has not delivered the cancel to any code.
   */
  abandonReturned(_message: string | CancelledError | undefined): boolean {
    return false
  }

  /** @internal the context variables that code of this scope or task sees */
  abstract contextVars(): Context

  /** @internal */
  override get frame(): Frame {
    return this
  }

  /**
   * @internal yields the frame itself. Node may use a frame (the object for one scope or task) as its map of
   * AsyncLocalStorage values, and iterates over the map to copy it. The frame is then also the only entry of that map.
   */
  *[Symbol.iterator](): Iterator<unknown> {
    yield this
  }

  /**
   * @internal whether a pending cancel is to end the next wait of the running code, which is code of this scope or
   * task. It may be a cancel of this scope or task itself, or of one around it in the same task. Cancels that a shield
   * keeps out do not count
   */
  override get mustCancel(): boolean {
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if (frame.cancellation?.isDue === true) return true
      if (frame.isShielded) return false
    }
    return false
  }

  /**
   * @internal whether the wait of this scope or task that `reaction` resumes throws a CancelledError when it resumes,
   * although no cancel has ended its future. It may be a cancel of this scope or task itself, or of one around it in
   * the same task. Cancels that a shield keeps out do not count
   */
  override mustCancelAt(reaction: Reaction): boolean {
    const key = this.keyOf(reaction)
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if (frame.cancellation?.isDueAt(key) === true) return true
      if (frame.isShielded) return false
    }
    return false
  }

  /**
   * @internal the message of the cancel for which `mustCancelAt(reaction)` is true
   */
  cancelMessageAt(reaction: Reaction): string | CancelledError | undefined {
    const key = this.keyOf(reaction)
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if (frame.cancellation?.isDueAt(key) === true) return frame.cancellation.remembered
    }
    return undefined
  }

  /**
   * @internal the message of the pending cancel (a cancel that will end a later wait) of this scope or task, or else of
   * the nearest one around it in the same task. Cancels that a shield keeps out do not count. If no cancel is pending:
   * the message of the newest cancel of this scope or task that has been pending, or was owed to a wait
   */
  get cancelMessage(): string | CancelledError | undefined {
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if (frame.cancellation?.pending === true) return frame.cancellation.remembered
      if (frame.isShielded) break
    }
    return this.cancellation?.remembered
  }

  /**
   * @internal the number of cancels of this scope or task, and of those around it in the same task, that were asked for
   * and not taken back
   */
  cancelling(): number {
    let sum = 0
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      sum += frame.cancellation?.count ?? 0
    }
    return sum
  }

  /**
   * @internal the number of cancels that were asked for and not taken back: of this scope or task, and of those around
   * it in the same task, up to and including the nearest shield (a scope that keeps out cancels from outside)
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
   * @internal takes back one cancel: of this scope or task, or else of the nearest one around it in the same task that
   * has a cancel. Returns the number of cancels that remain.
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
   * @internal Makes the next wait throw a CancelledError again. A scope calls this when it throws another error in
   * place of the CancelledError, because the cancel would otherwise be lost. This method searches outward, up to a
   * shield (a scope that keeps out cancels from outside) or to the task itself, for cancels that were not taken back.
   * The next wait throws the outermost of these cancels, because it must end all scopes inside it as well.
   */
  cancelAgain(): void {
    let outermost: Cancellation | null = null
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if ((frame.cancellation?.count ?? 0) > 0) outermost = frame.cancellation
      if (frame.isShielded) break
    }
    outermost?.again()
  }

  /**
   * @internal the message of a cancel that was asked for and not taken back: of this scope or task, or else of the
   * nearest one around it in the same task that has such a cancel; undefined if none has. Cancels that a shield keeps
   * out do not count
   */
  newestMessage(): string | CancelledError | undefined {
    return this.newestCancellation()?.message
  }

  /**
   * @internal the Cancellation of a cancel that was asked for and not taken back: of this scope or task, or else of the
   * nearest one around it in the same task that has such a cancel; null if none has. Cancels that a shield keeps out do
   * not count
   */
  newestCancellation(): Cancellation | null {
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      const { cancellation } = frame
      if (cancellation !== null && cancellation.count > 0) return cancellation
      if (frame.isShielded) break
    }
    return null
  }

  /**
   * @internal the CancelledError for which `error`, which the body of this scope or task has thrown, stands; null if
   * `error` is a failure. A CancelledError stands for itself. An AbortError stands for a cancel if `isOwnAbort` returns
   * true
   */
  cancelOf(error: unknown): CancelledError | null {
    if (isCancelled(error)) return error
    if (!this.isOwnAbort(error)) return null
    return cancelBehindAbort(error) ?? toCancelledError(this.newestMessage())
  }

  /**
   * Whether `error` is an AbortError that a cancel has caused (`isOfAbort`), and this scope or task, or one around it,
   * was cancelled, and the cancel was not taken back. Such an error counts as a CancelledError. Around the task of a
   * group is the scope of the group. Cancels that a shield keeps out do not count.
   */
  isOwnAbort(error: unknown): boolean {
    if (!this.isOfAbort(error)) return false
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.enclosing) {
      if (frame.cancellation?.isCancelled === true) return true
      if (frame.isShielded) return false
    }
    return false
  }

  /**
   * @internal whether `error` is an AbortError that a cancel has caused, even if that cancel was taken back since. The
   * APIs of Node make the reason of the signal, a CancelledError, the cause of an AbortError. Other libraries throw an
   * AbortError without a cause: it counts if the signal of this scope or task, or of one around it, was aborted. A
   * shield (a scope that keeps out cancels from outside) ends this search for an aborted signal
   */
  isOfAbort(error: unknown): boolean {
    if (!isAbortError(error)) return false
    if (cancelBehindAbort(error) !== null) return true
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.enclosing) {
      if (frame.cancellation?.hasAborted === true) return true
      if (frame.isShielded) return false
    }
    return false
  }

  /**
   * @internal begins the wait of an `await` such as `await future.catch(log)`, while `future` is pending. `settled`
   * calls one of its two arguments when the promise that `catch` (or `then`, or `finally`) has returned is settled.
   * `resolve` and `reject` are the functions of the `await`, which continue the waiting code. Returns the object that
   * `then` of that promise returns.
   */
  beginChainedAwait(
    future: Future<unknown>,
    settled: (end: Resolve, fail: Reject) => unknown,
    resolve: Resolve,
    reject: Reject,
  ): PromiseLike<unknown> {
    const isRefused = this.mustRefuse()
    // If the wait is refused, the waiting code gets a CancelledError, and no code reads the outcome of the awaited
    // promise. `Boolean` is passed as a function that does nothing, so that a failure of this promise counts as
    // handled.
    if (isRefused) settled(Boolean, Boolean)
    return this.beginAwait(isRefused ? future : new ChainWait(future, settled), resolve, reject)
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
 * The frame for code that belongs to no task: the callbacks of a loop, and code that `detached` runs. It lists the
 * waits of this code, so that the end of a run can cancel them. It exists as long as the loop.
 */
export class LoopFrame extends Frame {
  override readonly loop: EventLoop
  readonly #context: () => Context

  constructor(loop: EventLoop, context: () => Context) {
    super(null, null)
    this.loop = loop
    this.#context = context
  }

  override contextVars(): Context {
    return this.#context()
  }
}
