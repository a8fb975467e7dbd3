import {
  captureOwnContext,
  currentMap,
  runInAsyncContext,
  type Scope,
  standForMaps,
} from '../context/async-context.ts'
import type { Context } from '../context/context-vars.ts'
import { type CancelledError, isCancelled, toCancelledError } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Cancellation } from './cancellation.ts'
import { beginWait, deliverPending, mustRefuse, refuse, resumeWait } from './deliver-cancel.ts'
import { FrameWaits, OPEN } from './frame-waits.ts'
import { levelOf } from './level-cancel.ts'
import type { Task } from './task.ts'

/**
 * Where waits belong: the running body of a scope, of a task or of a loop. `frame-waits.ts` says why there are frames.
 */
export abstract class Frame extends FrameWaits {
  /** @internal cancels from outside do not get in */
  get isShielded(): boolean {
    return false
  }

  /** @internal a cancel of a frame around this one has been thrown inside it */
  strikeFromOutside(): void {}

  /** @internal a shielded frame has kept a cancel out */
  heldBack(): void {}

  /** @internal of a group: the tasks that are inside its scopes */
  get members(): Iterable<Task> {
    return []
  }

  /** @internal whether a scope around the running code is cancelled, and not shielded */
  isLevelCancelled(): boolean {
    return levelOf(this) !== null
  }

  /** @internal of a scope: ends its wait for the promise that its body has returned; false when there is no such wait */
  giveUp(_message: string | CancelledError | undefined): boolean {
    return false
  }

  /** @internal the context variables that are seen here */
  abstract scopeContext(): Context

  /** @internal */
  override get frame(): Frame {
    return this
  }

  /** @internal what AsyncLocalStorage copies: `standForMaps` */
  *[Symbol.iterator](): Iterator<unknown> {
    yield this
  }

  /** @internal a cancel of this frame, or of one around it in the same task, is yet to be delivered */
  override get mustCancel(): boolean {
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if (frame.cancellation?.isDue === true) return true
      if (frame.isShielded) return false
    }
    return false
  }

  /** @internal what the cancel says that is yet to be delivered here */
  get cancelMessage(): string | CancelledError | undefined {
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if (frame.cancellation?.pending === true) return frame.cancellation.remembered
      if (frame.isShielded) break
    }
    return this.cancellation?.remembered
  }

  /** @internal how many cancels of this frame and those around it in the task were not taken back */
  cancelling(): number {
    let sum = 0
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      sum += frame.cancellation?.count ?? 0
    }
    return sum
  }

  /** @internal the same, without those that a shield keeps out */
  visibleCancels(): number {
    let sum = 0
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      sum += frame.cancellation?.count ?? 0
      if (frame.isShielded) break
    }
    return sum
  }

  /** @internal takes back one cancel of this frame, or else of the nearest around it; returns how many remain */
  uncancel(): number {
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if ((frame.cancellation?.count ?? 0) === 0) continue
      frame.cancellation?.takeBack()
      break
    }
    return this.cancelling()
  }

  /** @internal the outermost cancel that was not taken back is delivered again at the next wait; inner ones end before it */
  cancelAgain(): void {
    let outermost: Cancellation | null = null
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if ((frame.cancellation?.count ?? 0) > 0) outermost = frame.cancellation
      if (frame.isShielded) break
    }
    outermost?.again()
  }

  /** @internal the message of the innermost cancel */
  newestMessage(): string | CancelledError | undefined {
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if ((frame.cancellation?.count ?? 0) > 0) return frame.cancellation?.message
    }
    return undefined
  }

  /**
   * @internal whether `error` is what a library throws that was given the signal of this frame, or of one around it, when
   * that was cancelled
   */
  isOwnAbort(error: unknown): boolean {
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if (frame.cancellation?.isOwnAbort(error) === true) return true
    }
    return false
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

/** A frame that a scope has opened for its body. */
export class ScopeFrame extends Frame {
  #returned: Promise<unknown> | null = null
  #rejectBody: ((error: unknown) => void) | null = null
  readonly #outer: Scope
  /** @internal what the scope shows of itself: its deadline, and whether it can be cancelled */
  scope: { readonly deadline: number; readonly name?: string | null } | null = null
  #isShielded = false
  #isStruckFromOutside = false
  #onHeldBack: (() => void) | null = null
  #members: Iterable<Task> = []
  #fn: (() => unknown) | null = null
  #result: unknown = undefined

  constructor(outer: Scope, enclosing: Frame) {
    super(enclosing.task, enclosing)
    this.#outer = outer
    this.link()
  }

  override get scopeLoop(): EventLoop {
    return this.task?.getLoop() ?? (this.enclosing as Frame).scopeLoop
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

  /** @internal `onHeldBack` is called for each cancel that is kept out */
  setShield(isShielded: boolean, onHeldBack: (() => void) | null): void {
    this.#isShielded = isShielded
    this.#onHeldBack = onHeldBack
  }

  override heldBack(): void {
    this.#onHeldBack?.()
  }

  /** @internal a shield has fallen: the cancels of the task that it kept out are delivered here */
  deliverPending(): void {
    for (let outer = this.parent; outer !== null; outer = outer.parent) {
      if (outer.cancellation?.pending === true) deliverPending(this, outer)
      if (outer.isShielded) break
    }
  }

  /** @internal calls `fn` in this frame: everything that it begins belongs here */
  enter<T>(fn: () => T): T {
    this.#fn = fn
    // oxlint-disable-next-line typescript/unbound-method -- `this` is the second argument
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

  /** @internal the scope waits for `returned`, a promise that may be of work from outside; `reject` ends that wait */
  awaitReturned(
    returned: Promise<unknown> | null,
    reject: ((error: unknown) => void) | null,
  ): void {
    this.#returned = returned
    this.#rejectBody = reject
  }

  override giveUp(message: string | CancelledError | undefined): boolean {
    const returned = this.#returned
    if (returned === null || this.#rejectBody === null) return false
    this.#rejectBody(toCancelledError(message))
    this.awaitReturned(null, null)
    returned.catch((exception: unknown) => {
      if (isCancelled(exception)) return
      this.scopeLoop.callExceptionHandler({
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

  override scopeContext(): Context {
    return this.#outer.scopeContext()
  }

  /** @internal whether a cancel from around this scope has been thrown inside it */
  get isStruckFromOutside(): boolean {
    return this.#isStruckFromOutside
  }

  override strikeFromOutside(): void {
    this.#isStruckFromOutside = true
  }
}

/** The outermost frame of a loop: of its callbacks and of `detached` code. It has no task, and ends with the loop. */
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

/** Puts `frame` among the frames inside the one that encloses it. */
export function attach(frame: Frame): void {
  const enclosing = frame.enclosing as Frame
  if (frame.previous !== null || enclosing.firstChild === frame) return
  const sibling = enclosing.firstChild
  frame.next = sibling
  if (sibling !== null) sibling.previous = frame
  enclosing.firstChild = frame
  if (enclosing.state !== OPEN) enclosing.link()
}

export function detach(frame: Frame): void {
  const enclosing = frame.enclosing as Frame
  const { previous, next } = frame
  if (previous === null && enclosing.firstChild !== frame) return
  if (previous === null) enclosing.firstChild = next
  else previous.next = next
  if (next !== null) next.previous = previous
  frame.next = null
  frame.previous = null
  // The frame around it may have stayed for this one only.
  if (enclosing.state !== OPEN && !enclosing.hasOwnWaits() && enclosing.firstChild === null) {
    enclosing.unlink()
  }
}
