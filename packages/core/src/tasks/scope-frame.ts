import {
  captureOwnContext,
  currentMap,
  runInAsyncContext,
  type Environment,
} from '../context/async-context.ts'
import type { Context } from '../context/context-vars.ts'
import { type CancelledError, isCancelled, toCancelledError } from '../errors/errors.ts'
import type { EventLoop } from '../loop/loop.ts'
import { cancelLeftWaits } from './cancel-rest.ts'
import { deliverAfterShield, deliverMissed, deliverPending } from './deliver-cancel.ts'
import { Frame } from './frame.ts'
import { attach, detach } from './frame-tree.ts'
import type { Task } from './task.ts'

/**
 * The frame of a scope such as `timeout`: the object for this one scope. The frame lists the waits of the body, so
 * that a cancel of the scope finds them.
 */
export class ScopeFrame extends Frame {
  #returned: Promise<unknown> | null = null
  #rejectBody: ((error: unknown) => void) | null = null
  readonly #outer: Environment
  /**
   * @internal the object that the body of the scope gets as its argument, such as a Timeout or a TaskGroup; null if
   * there is none. Snapshots, `effectiveDeadline` and the tracing channel read facts about the scope from this object
   */
  scope: {
    readonly deadline: number
    readonly name?: string | null
    readonly cancelledCaught?: boolean
  } | null = null
  #isShielded = false
  #wasShield = false
  #isCancelledFromOutside = false
  #onCancelKeptOut: (() => void) | null = null
  #members: Iterable<Task> = []
  #areMembersCancelled = false
  /**
   * Whether the shield of this scope has kept a cancel out, which has reached no code of this scope since.
   */
  #hasKeptOut = false
  #fn: (() => unknown) | null = null
  #result: unknown = undefined

  constructor(outer: Environment, enclosing: Frame) {
    super(enclosing.task, enclosing)
    this.#outer = outer
    this.link()
  }

  override get loop(): EventLoop {
    return this.task?.getLoop() ?? (this.enclosing as Frame).loop
  }

  override get isShielded(): boolean {
    return this.#isShielded
  }

  override get members(): Iterable<Task> {
    return this.#members
  }

  /** @internal */
  setMembers(members: Iterable<Task>): void {
    this.#members = members
  }

  /**
   * @internal whether the tasks of the group were cancelled before the code that has opened the group has got the
   * cancel. Then the group does not cancel these tasks a second time. False if this is not the scope of a task group
   */
  get areMembersCancelled(): boolean {
    return this.#areMembersCancelled
  }

  override noteMembersCancelled(): void {
    this.#areMembersCancelled = true
  }

  /**
   * @internal If `isShielded` is true, this scope is from now on a shield: cancels of the task and of the scopes around
   * it do not end the waits inside it. `onCancelKeptOut` is called, perhaps more than once, for each cancel that is
   * kept out in this way. If `isShielded` is false, the scope is no shield any more.
   */
  setShield(isShielded: boolean, onCancelKeptOut: (() => void) | null): void {
    this.#isShielded = isShielded
    this.#wasShield ||= isShielded
    this.#onCancelKeptOut = onCancelKeptOut
  }

  override cancelKeptOut(): void {
    this.#hasKeptOut = true
    this.#onCancelKeptOut?.()
  }

  /**
   * @internal called when this scope has stopped being a shield (a scope that keeps out cancels from outside), or when
   * its body has returned a promise. If a cancel of this scope, of an outer scope or of the task has ended no wait yet,
   * that cancel now ends the waits of the body
   */
  deliverPending(): void {
    const hasKeptOut = this.#hasKeptOut
    this.#hasKeptOut = false
    let isPending = false
    for (let outer: Frame | null = this.frame; outer !== null; outer = outer.parent) {
      if (outer.cancellation?.pending === true) {
        isPending = true
        deliverPending(this, outer)
      }
      if (outer.isShielded) break
    }
    // If the cancel is not pending, other code of the task has got it.
    if (hasKeptOut && !isPending && this.visibleCancels() > 0) deliverMissed(this)
  }

  /**
   * @internal called when the body of this scope has ended. If this scope is or was a shield, and no code of this scope
   * has got a cancel that the shield has kept out, the next wait of the code around this scope throws that cancel
   */
  endShield(): void {
    if (!this.#wasShield) return
    const { cancellation } = this
    if (!this.#hasKeptOut && cancellation?.pending !== true) return
    if (cancellation !== null) cancellation.pending = false
    this.#hasKeptOut = false
    deliverAfterShield(this)
  }

  /**
   * @internal called when this scope has ended. If it was a shield until now, async calls that its body has begun and
   * not awaited may still wait. The shield does not protect them any more: cancels of the scopes around this scope and
   * of the task reach their waits
   */
  liftShield(): void {
    if (!this.#isShielded) return
    this.setShield(false, null)
    if (this.hasOwnWaits() || this.firstChild !== null) cancelLeftWaits(this)
  }

  /**
   * @internal calls `fn` as code of this scope, and returns the result of `fn`. A cancel of the scope then ends the
   * waits that `fn` begins, even after an `await`
   */
  enter<T>(fn: () => T): T {
    this.#fn = fn
    // oxlint-disable-next-line typescript/unbound-method -- the function is called with the second argument as its `this`
    runInAsyncContext(captureOwnContext(this, currentMap()), this, ScopeFrame.#call)
    const result = this.#result
    this.#result = undefined
    return result as T
  }

  static #call(this: ScopeFrame): void {
    const fn = this.#fn as () => unknown
    this.#fn = null
    this.#result = fn()
  }

  /**
   * @internal called when the body of the scope has returned the promise `returned`, whose work may have begun outside
   * of the scope. A cancel of the scope cannot end this work, so it calls `reject`, which ends only the wait for the
   * promise. Both arguments are null when this wait is over.
   */
  awaitReturned(
    returned: Promise<unknown> | null,
    reject: ((error: unknown) => void) | null,
  ): void {
    this.#returned = returned
    this.#rejectBody = reject
  }

  /** @internal whether this scope waits for `returned`, the promise that its body has returned */
  awaitsReturned(returned: Promise<unknown>): boolean {
    return this.#returned === returned
  }

  override abandonReturned(message: string | CancelledError | undefined): boolean {
    const returned = this.#returned
    if (returned === null || this.#rejectBody === null) return false
    this.#rejectBody(toCancelledError(message))
    this.awaitReturned(null, null)
    returned.catch((exception: unknown) => {
      if (isCancelled(exception) || this.isOfAbort(exception)) return
      this.loop.callExceptionHandler({
        message: 'Exception of a promise that a cancel had abandoned',
        exception,
      })
    })
    return true
  }

  override link(): void {
    attach(this)
  }

  override unlink(): void {
    detach(this)
  }

  override contextVars(): Context {
    return this.#outer.contextVars()
  }

  /**
   * @internal whether code inside this scope gets the CancelledError of a cancel that came from outside the scope, and
   * that was passed on later than it came. The number of cancels does not show such a cancel if it came before the
   * scope began. If this is true, the scope throws that error on.
   */
  get isCancelledFromOutside(): boolean {
    return this.#isCancelledFromOutside
  }

  override noteCancelFromOutside(): void {
    this.#isCancelledFromOutside = true
  }
}
