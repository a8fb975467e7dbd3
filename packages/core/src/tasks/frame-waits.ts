import type { AsyncContext } from '../context/async-context.ts'
import { type CancelledError, isCancelled } from '../errors/errors.ts'
import { isResolver } from '../futures/await-detection.ts'
import {
  Awaiter,
  Chain,
  nothing,
  OwnAwait,
  passOn,
  type Reject,
  type Resolve,
} from '../futures/awaiter.ts'
import { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import type { EventLoop } from '../loop/loop.ts'
import { capturesAwaitSites, noteAwaitSite } from '../futures/await-sites.ts'
import type { Cancellation } from './cancellation.ts'
import type { Frame } from './frame.ts'
import { afterWait } from './frame-end.ts'
import { CREATED, type FrameState, OPEN } from './frame-state.ts'
import type { Task } from './task.ts'

/**
 * The problem: a task of asyncio is one flow of control, so a cancel of the task is a cancel of its only wait. A
 * JavaScript task has many flows: the branches of `Promise.all`, losers of `Promise.race`, calls that no code awaits,
 * event handlers. A scope such as `timeout` must cancel the waits of its body and no others.
 *
 * The idea: each scope runs its body in a frame, which one AsyncLocalStorage carries through every await. A wait
 * belongs to the innermost frame that is running when the wait begins. A cancel of a frame reaches the waits of that
 * frame and of the frames inside it. A task's outermost frame is its Execution; a loop has a frame for its callbacks.
 *
 * The invariant: a frame is linked to the frame around it while its scope is open or while a wait is left inside it, so
 * a cancel of the outer frame always finds every wait inside it.
 *
 * Nearly every frame has one wait, and there is a frame for each waiting task. To save an object for each, the frame is
 * itself the reaction of one wait, its "own wait" (a reaction is the object that the loop runs when a future has
 * ended), and holds the two functions that `await` has passed to `then`. If a frame has more waits at the same time,
 * they are in a map. The key of a wait is its reaction; the key of the own wait is the frame.
 */
type Waits = Future<unknown> | Map<Reaction, Future<unknown>>

/** The number of the newest wait. The waits of the process are numbered in the order in which they begin. */
let waitNumber = 0

/** The part of a frame that keeps its waits. The subclass `Frame` adds the functions that cancel these waits. */
export abstract class FrameWaits implements Reaction {
  readonly task: Task | null
  /** @internal */
  abstract readonly scopeLoop: EventLoop
  /**
   * The frame in which this frame was opened. For a task of a group, that is the frame of the group, in another task.
   */
  readonly enclosing: Frame | null
  /**
   * @internal the state of the cancels of this frame; null until the first cancel, or until code first reads the signal
   */
  cancellation: Cancellation | null = null
  /** @internal the first of the frames inside this one; the others follow by `next` */
  firstChild: Frame | null = null
  /**
   * @internal the next frame in a linked list: the list of the frames inside `enclosing`, or, for the frame of a task
   * that is not done, the loop's list of tasks
   */
  next: Frame | null = null
  /** @internal */
  previous: Frame | null = null
  /** @internal */
  state: FrameState = OPEN
  /**
   * @internal the number of the newest wait that has ended in this frame or inside it. `Cancellation.endTurn` compares
   * it with the number of the wait that a cancel has ended. If a newer wait has ended, other code of the frame is
   * running too.
   */
  newestEnded = 0
  /** The number of the own wait: the wait that this frame itself resumes, without a separate Awaiter. */
  #began = 0
  /**
   * Before the first step of a task: the asynchronous context in which its body will run. After that: the waits of this
   * frame, or null if it has none.
   */
  #stage: AsyncContext | Waits | null = null
  /**
   * While this frame itself is to resume an `await`: the first of the two functions that the `await` has passed to
   * `then`. Otherwise: the reaction (an object that the loop runs when a future has ended) that resumes the body of the
   * task, such as the driver of a generator; or null.
   */
  #functions: Resolve | Chain | Reaction | null = null
  /**
   * While this frame itself is to resume an `await`: the second of the two functions that the `await` has passed to
   * `then`. Otherwise null.
   */
  #reject: Reject | null = null

  /** @internal */
  constructor(task: Task | null, enclosing: Frame | null) {
    this.task = task
    this.enclosing = enclosing
  }

  /** @internal */
  get waitingFrame(): Frame {
    return this.frame
  }

  /** The frame around this one in the same task; null for the outermost frame. */
  get parent(): Frame | null {
    const { enclosing } = this
    return enclosing !== null && enclosing.task === this.task ? enclosing : null
  }

  /** @internal this object as a Frame, which it always is: `Frame` is the only class that extends this one */
  abstract readonly frame: Frame

  /**
   * @internal whether a cancel of this frame, or of a frame around it in the same task, is pending (it has ended no
   * wait yet) and not kept out by a shield
   */
  abstract readonly mustCancel: boolean

  /**
   * @internal whether no wait may begin in this frame: its loop is closed, `abandon` has ended its task at once, or the
   * body of a cancelled scope around it has ended, and the scope waits only for the clean-up of other calls
   */
  abstract mustRefuse(): boolean

  /**
   * @internal called when code must not wait on `future`; returns another future, which the code waits on instead and
   * which ends as cancelled
   */
  abstract refuse(future: Future<unknown>): Future<never>

  /**
   * @internal called when a wait on `future` has begun in this frame, which was cancelled, is inside another frame, or
   * has a body that has ended; `reaction` will resume the waiting code
   */
  abstract begunWait(reaction: Reaction, future: Future<unknown>): void

  /**
   * @internal called in the turn of a wait, after its `future` has ended; `key` identifies the wait. Returns the
   * CancelledError that the waiting code gets in place of the outcome of `future`; null if the code gets that outcome.
   */
  abstract resume(key: Reaction, future: Future<unknown>): CancelledError | null

  /**
   * @internal adds this frame to the list of the frame around it or of the loop, so that a cancel of that frame, or the
   * end of the run, finds this frame
   */
  link(): void {}

  /**
   * @internal removes this frame from the list that `link` has added it to; called when the scope has ended and no wait
   * is left inside
   */
  unlink(): void {}

  /** @internal */
  label(): string {
    return this.task === null ? 'resume' : `resume ${this.task.name}`
  }

  /** @internal */
  setStart(context: AsyncContext): void {
    this.#stage = context
    this.state = CREATED
  }

  /** @internal */
  takeStart(): AsyncContext {
    const context = this.#stage as AsyncContext
    this.#stage = null
    this.state = OPEN
    return context
  }

  /** @internal */
  isBeforeStart(): boolean {
    return this.state === CREATED
  }

  /**
   * @internal whether this frame has waits, not counting the frames inside it. A wait counts until its turn: its future
   * is pending, or has ended and the waiting code has not resumed yet.
   */
  hasOwnWaits(): boolean {
    return FrameWaits.#waits(this) !== null
  }

  /** @internal the futures that this frame waits on; waits of the frames inside this one are left out */
  ownWaits(): Iterable<Future<unknown>> {
    FrameWaits.#dropFalseWaits(this)
    const waits = FrameWaits.#waits(this)
    if (waits === null) return []
    return waits instanceof Map ? waits.values() : [waits]
  }

  static #waits(frame: FrameWaits): Waits | null {
    const stage = frame.#stage
    return stage instanceof Map || stage instanceof Future ? stage : null
  }

  /**
   * @internal calls `visit` with the key, the future and the number of each wait of this frame, the oldest wait first.
   * Waits of the frames inside this one are left out.
   */
  eachWait(visit: (key: Reaction, future: Future<unknown>, began: number) => void): void {
    FrameWaits.#dropFalseWaits(this)
    const waits = FrameWaits.#waits(this)
    if (waits instanceof Future) visit(this, waits, this.#began)
    else if (waits !== null) {
      // A copy of the map is visited, because `visit` may interrupt a wait, which changes the map.
      const all = [...waits]
      for (const [key, future] of all) visit(key, future, this.numberOf(key))
    }
  }

  /**
   * @internal calls `visit` with the key and the future of each wait of this frame. Waits of the frames inside this one
   * are left out. Changes nothing, so it may be called at any moment.
   */
  peekWaits(visit: (key: Reaction, future: Future<unknown>) => void): void {
    const waits = FrameWaits.#waits(this)
    if (waits === null) return
    const reject = this.#reject
    // Code that has called `then` with two functions without a name looks like an `await` but does not wait. Such a
    // call is left out.
    const isWait = (key: Reaction): boolean =>
      key instanceof Awaiter ? key.isWait() : reject === null || isResolver(reject)
    if (waits instanceof Future) {
      if (isWait(this)) visit(this, waits)
      return
    }
    for (const [key, future] of waits) if (isWait(key)) visit(key, future)
  }

  /** @internal the number of the wait that `key` identifies; a wait that began later has a higher number */
  numberOf(key: Reaction): number {
    return key instanceof Awaiter ? key.began : this.#began
  }

  /**
   * @internal whether `reaction` is the reaction of a wait of this frame. False if the caller of `then` was not an
   * `await`, but code that has passed two functions without a name.
   */
  holdsWait(reaction: Reaction): boolean {
    FrameWaits.#dropFalseWaits(this)
    const waits = FrameWaits.#waits(this)
    const key = this.keyOf(reaction)
    return waits instanceof Map ? waits.has(key) : waits !== null && key === this
  }

  /**
   * @internal the future of the own wait (the wait that this frame itself resumes), if this frame has no other wait;
   * otherwise null. Call `soleWait` first, because only that function removes entries that are not waits.
   */
  ownWait(): Future<unknown> | null {
    const waits = FrameWaits.#waits(this)
    return waits instanceof Future ? waits : null
  }

  /**
   * @internal the only future that this frame waits on, not counting the frames inside it; null if there is none, or if
   * there are several different ones
   */
  soleWait(): Future<unknown> | null {
    FrameWaits.#dropFalseWaits(this)
    const waits = FrameWaits.#waits(this)
    if (!(waits instanceof Map)) return waits
    const [first, ...others] = waits.values()
    return first !== undefined && others.every((other) => other === first) ? first : null
  }

  /**
   * @internal makes `reaction` the object that resumes the body of the task from now on. If this frame itself was to
   * resume a pending `await`, that wait is first moved to a separate Awaiter.
   */
  driveBy(reaction: Reaction): void {
    if (this.#reject !== null) FrameWaits.#moveOwnWait(this, this.frame)
    this.#functions = reaction
  }

  /**
   * @internal called when the body of the task has ended: releases the driver (the object that resumed the body), so
   * that it can be garbage-collected. Calls that the body has begun and that still wait have reactions of their own,
   * which stay.
   */
  endDriver(): void {
    if (this.#reject === null && this.#functions !== null) this.#functions = ended
  }

  /**
   * @internal whether code of this frame waits now in an `await` that the frame itself resumes, without a separate
   * Awaiter
   */
  isOwnWait(): boolean {
    return this.#reject !== null
  }

  /**
   * @internal begins a wait: code of this frame has called `then` of a pending future with these functions. Returns the
   * object that `then` returns to that code.
   */
  beginAwait(future: Future<unknown>, resolve: Resolve, reject: Reject): PromiseLike<unknown> {
    if (this.mustRefuse()) {
      const refusal = this.refuse(future)
      const awaiter = new Awaiter(null, refusal, resolve, reject)
      refusal.react(awaiter)
      return awaiter
    }
    if (this.#functions !== null) {
      const awaiter = new Awaiter(this.frame, future, resolve, reject)
      this.suspend(awaiter, future)
      return awaiter
    }
    this.#functions = resolve
    this.#reject = reject
    this.suspend(this, future)
    return new OwnAwait(this.frame, future, resolve)
  }

  /**
   * @internal runs the turn in which the own wait (the wait that this frame itself resumes) ends: passes the outcome,
   * or a cancel, to the waiting code
   */
  run(): void {
    const functions = this.#functions as Resolve | Chain
    const reject = this.#reject
    this.#functions = null
    this.#reject = null
    const future = this.endWait(this)
    const isWait = !this.mustCancel || isResolver(reject)
    const cancel = isWait ? this.resume(this, future) : null
    const promise = passOn(future, cancel, functions, reject)
    if (promise !== nothing && typeof functions === 'function') {
      OwnAwait.write(this.frame, future, functions, promise)
    }
  }

  /**
   * @internal called when code uses the object that `then` of `future` has returned, for example calls its `catch`.
   * `resolve` is the first function that was passed to `then`. Returns a promise of the value that the called function
   * will return; null if that wait has ended already.
   */
  chain(future: Future<unknown>, resolve: Resolve): Promise<unknown> | null {
    const waits = FrameWaits.#waits(this)
    const own = waits instanceof Map ? waits.get(this) : waits
    if (own !== future || this.#functions !== resolve) return null
    const chain = new Chain(resolve, this.#reject as Reject)
    this.#functions = chain
    return chain.derived.promise
  }

  /**
   * @internal replaces the two functions of the `await` that `key` identifies, and returns the first of the old ones.
   * Returns null, and replaces nothing, if code other than an `await` waits: a driver, or code that has called `then`.
   */
  replaceFunctions(key: Reaction, resolve: Resolve, reject: Reject): Resolve | null {
    if (key instanceof Awaiter) return key.replaceFunctions(resolve, reject)
    const old = this.#functions
    if (typeof old !== 'function' || !isResolver(this.#reject)) return null
    this.#functions = resolve
    this.#reject = reject
    return old
  }

  /** @internal begins a wait of this frame on `future`; `reaction` will resume the waiting code */
  suspend(reaction: Reaction, future: Future<unknown>): void {
    FrameWaits.#addWait(this, reaction, future)
    const loop = this.scopeLoop
    if (capturesAwaitSites() || loop.monitor !== null) noteAwaitSite(this.keyOf(reaction))
    loop.release(this.task ?? this.frame)
    if (this.cancellation !== null || this.enclosing !== null || this.state !== OPEN) {
      this.begunWait(reaction, future)
    }
  }

  static #addWait(frame: FrameWaits, reaction: Reaction, future: Future<unknown>): void {
    future.react(reaction)
    const key = reaction === frame.#functions ? frame : reaction
    waitNumber++
    if (key instanceof Awaiter) key.began = waitNumber
    else frame.#began = waitNumber
    const waits = frame.#stage as Waits | null
    if (waits instanceof Map) waits.set(key, future)
    else if (waits === null && key === frame) frame.#stage = future
    else {
      const several = new Map<Reaction, Future<unknown>>()
      if (waits !== null) several.set(frame, waits)
      frame.#stage = several.set(key, future)
    }
  }

  /**
   * @internal removes the wait that `reaction` resumes, and returns the future of that wait. Called in the turn of
   * `reaction`, and when the wait is moved to another reaction or future.
   */
  endWait(reaction: Reaction): Future<unknown> {
    const waits = this.#stage as Waits
    let began = this.#began
    let future: Future<unknown>
    if (waits instanceof Future) {
      this.#stage = null
      future = waits
    } else {
      const key = waits.has(reaction) ? reaction : this
      began = this.numberOf(key)
      future = waits.get(key) as Future<unknown>
      waits.delete(key)
      if (waits.size === 0) this.#stage = null
    }
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if (began > frame.newestEnded) frame.newestEnded = began
      if (frame.state !== OPEN) afterWait(frame.frame)
    }
    return future
  }

  /**
   * @internal the key under which this frame lists the wait that `reaction` resumes. The key is `reaction`, except for
   * the driver (the object that resumes the body of the task): its key is the frame.
   */
  keyOf(reaction: Reaction): Reaction {
    return reaction === this.#functions ? this : reaction
  }

  /**
   * @internal ends the waits of this frame on `future` as if `future` had been cancelled, while `future` stays pending
   */
  interrupt(future: Future<unknown>, msg: string | CancelledError | undefined): void {
    const interruption = new Interruption({ loop: this.scopeLoop })
    interruption.cancel(msg)
    // There are several reactions if a `Promise.all` has the same future more than once.
    for (const reaction of future.reactionsOf(this.frame)) {
      this.endWait(reaction)
      future.removeReaction(reaction)
      FrameWaits.#addWait(this, reaction, interruption)
    }
    // If `future` is a gather in a circle of waits, it fails with a CancelledError that no code reads. So `exception()`
    // is called here: it marks the error as read, and the failure is not reported.
    future.onDone(() => {
      if (future.hasFailed() && isCancelled(future.peekOutcome())) future.exception()
    })
  }

  /**
   * Removes entries that are not waits: code has called `then` with two functions without a name, which looks like an
   * `await`. Such code gets a separate reaction outside of the frame. This is checked only where the answer matters,
   * because the check costs more than an await.
   */
  static #dropFalseWaits(frame: FrameWaits): void {
    const waits = FrameWaits.#waits(frame)
    if (frame.#reject !== null) {
      const own = waits instanceof Map ? waits.get(frame) : waits
      // If the future is done, its reaction is in the ready queue and must stay as it is.
      if (own?.done() === false && !isResolver(frame.#reject)) FrameWaits.#moveOwnWait(frame, null)
    }
    if (!(waits instanceof Map)) return
    for (const [reaction, future] of waits) {
      if (!(reaction instanceof Awaiter) || future.done() || reaction.isWait()) continue
      frame.endWait(reaction)
      reaction.becomeCallback()
    }
  }

  /**
   * Moves the own wait of `frame`, which `frame` itself would resume, to a separate Awaiter. The wait then belongs to
   * the frame `owner`. If `owner` is null, it becomes a callback outside of every frame.
   */
  static #moveOwnWait(frame: FrameWaits, owner: Frame | null): void {
    const functions = frame.#functions as Resolve | Chain
    const reject = frame.#reject
    frame.#functions = null
    frame.#reject = null
    const future = frame.endWait(frame)
    future.removeReaction(frame)
    const awaiter = new Awaiter(owner, future, functions, reject)
    if (typeof functions === 'function') OwnAwait.write(frame.frame, future, functions, awaiter)
    if (owner === null) future.react(awaiter)
    else owner.suspend(awaiter, future)
  }
}

/**
 * The future that a frame waits on after `interrupt`, in place of a future that cannot be cancelled. It ends as
 * cancelled.
 */
export class Interruption extends Future<never> {}

/**
 * When the body of a task has ended, the field `#functions` of its frame holds this object in place of the reaction
 * that resumed the body. Because the field is not null, a later `await` in the frame uses a separate Awaiter.
 */
const ended: Reaction = { waitingFrame: null, run: () => {}, label: () => 'ended' }
