import type { AsyncContext } from '../context/async-context.ts'
import { type CancelledError, isCancelled } from '../errors/errors.ts'
import { isResolver } from '../futures/recognize-await.ts'
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
 * The problem: a task of asyncio waits in one place, so a cancel of the task ends its only wait. A JavaScript task can
 * wait in many places at the same time: in the branches of a `Promise.all`, in the losers of a `Promise.race`, in calls
 * of async functions without `await`, in event handlers. A scope such as `timeout` must cancel the waits of its own
 * body and no others.
 *
 * The idea: each scope runs its body in a frame, an object that lists the waits of that body. One AsyncLocalStorage
 * holds the frame of the running code, so the code still has the same frame after an `await`. A new wait is listed in
 * the frame of the code that waits. A cancel of a frame ends the waits of that frame and of the frames inside it. A
 * task has a frame for its whole body, its Execution; a loop has a frame for its callbacks.
 *
 * The invariant: while a scope is open, or a wait is left inside its frame, this frame is in a list of the frame around
 * it. So a cancel of the outer frame finds every wait inside it.
 *
 * Nearly every frame has at most one wait, and each waiting task has a frame. To save memory, the frame itself resumes
 * the code of one wait, its "own wait", and holds the two functions that the `await` has passed to `then`. If a frame
 * has more waits at the same time, they are in a map. The key of a wait is its reaction (the object that the loop calls
 * when the future has ended); the key of the own wait is the frame.
 */
type Waits = Future<unknown> | Map<Reaction, Future<unknown>>

/** The number of the newest wait. All waits of this thread are numbered in the order in which they begin. */
let waitNumber = 0

/**
 * The part of a frame (the object for one scope or task) that lists its waits. The subclass `Frame` adds the
 * functions that cancel these waits.
 */
export abstract class FrameWaits implements Reaction {
  readonly task: Task | null
  /** @internal */
  abstract readonly loop: EventLoop
  /**
   * The frame (the object for one scope or task) in which this scope was opened. For a task of a group, this is the
   * frame of the group, which belongs to another task. Null for every other task.
   */
  readonly enclosing: Frame | null
  /**
   * @internal the state of the cancels of this scope or task; null until the first cancel of it or of a scope inside it,
   * or until code first reads the AbortSignal
   */
  cancellation: Cancellation | null = null
  /**
   * @internal the first of the frames (objects for scopes and tasks) inside this one; the field `next` of each
   * leads to the following one
   */
  firstChild: Frame | null = null
  /**
   * @internal the next frame in the linked list that this frame is in; null if this frame is the last one, or is in no
   * list. (A frame is the object for one scope or task.) While a task is not done, its frame is in the loop's list of
   * tasks. Any other frame can only be in the list of the frames inside `enclosing`
   */
  next: Frame | null = null
  /** @internal */
  previous: Frame | null = null
  /** @internal */
  state: FrameState = OPEN
  /**
   * @internal the number of the newest wait that has ended in this scope or task or in a scope inside it (waits are
   * numbered in the order in which they begin). `Cancellation.endTurn` compares this number with that of the wait that
   * a cancel has ended. If this number is greater, a wait that began later has ended too. So other code of the scope or
   * task runs as well, and perhaps the body has not got the cancel. Then `endTurn` makes the cancel pending again.
   */
  newestEnded = 0
  /**
   * The number of the wait whose key is this frame. (Waits are numbered in the order in which they begin.) Each other
   * wait has an Awaiter, an object that resumes its code and keeps its number.
   */
  #began = 0
  /**
   * Before the first step of a task: the values of every AsyncLocalStorage with which its body will run. After that:
   * the waits of this frame (the object for one scope or task), or null if it has none.
   */
  #stage: AsyncContext | Waits | null = null
  /**
   * If this frame itself is to resume the code of an `await`: `resolve`, the first of the two functions that the
   * `await` has passed to `then` of the future, or a Chain, an object that holds both functions. If the body is a
   * generator, or a function that has returned a future: the object that the loop calls to continue this body, and
   * `ended` after the end of the body. Otherwise null.
   */
  #functions: Resolve | Chain | Reaction | null = null
  /**
   * If this frame itself is to resume the code of an `await`: `reject`, the second of the two functions that the
   * `await` has passed to `then` of the future. Otherwise null.
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

  /** The frame (the object for one scope or task) around this one in the same task; null for the outermost one. */
  get parent(): Frame | null {
    const { enclosing } = this
    return enclosing !== null && enclosing.task === this.task ? enclosing : null
  }

  /**
   * @internal returns `this` with the type Frame; `Frame` is the only direct subclass of this class
   */
  abstract readonly frame: Frame

  /**
   * @internal whether a pending cancel is to end the next wait of the running code, which is code of this scope or task.
   * It may be a cancel of this scope or task itself, or of one around it in the same task. Cancels that a shield keeps
   * out do not count
   */
  abstract readonly mustCancel: boolean

  /**
   * @internal whether the wait of this scope or task that `reaction` resumes throws a CancelledError when it resumes,
   * although no cancel has ended its future. It may be a cancel of this scope or task itself, or of one around it in
   * the same task. Cancels that a shield keeps out do not count
   */
  abstract mustCancelAt(reaction: Reaction): boolean

  /**
   * @internal whether code of this scope or task must not begin a wait any more; the caller then calls `refuse`. True
   * in three cases. (1) The loop is closed. (2) The task was abandoned, which ends a task at once although its code
   * still runs. (3) This scope or task, or one around it in the same task, was cancelled, and its body has ended, so it
   * waits only for the clean-up of async calls that the body has not awaited.
   */
  abstract mustRefuse(): boolean

  /**
   * @internal called when code must not wait on `future`; returns another future, which the code waits on instead and
   * which ends as cancelled
   */
  abstract refuse(future: Future<unknown>): Future<never>

  /**
   * @internal called when code has begun to wait on `future`, if this scope or task was cancelled, is inside another
   * scope or a group, or its body has ended. If a cancel must end the wait, this method does that. `reaction` is the
   * object that the loop calls when `future` has ended, to resume the waiting code
   */
  abstract begunWait(reaction: Reaction, future: Future<unknown>): void

  /**
   * @internal called when the loop is about to resume code that has waited on `future`; `key` identifies the wait.
   * Returns the CancelledError that the code gets in place of the outcome of `future`; null if the code gets that
   * outcome.
   */
  abstract resume(key: Reaction, future: Future<unknown>): CancelledError | null

  /**
   * @internal adds this frame (the object for one scope or task) to the list of the frame around it, or to a list of
   * the loop. So a cancel of the frame around it, or the end of the run, finds the waits inside this frame. The
   * subclasses for scopes and tasks override this method; for the frame of a loop, it does nothing
   */
  link(): void {}

  /**
   * @internal removes this frame (the object for one scope or task) from the list to which `link` has added it;
   * called when the scope has ended and no wait is left inside
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
   * @internal whether code of this scope or task waits on a future, or has called `then` in a way that looks like an
   * `await`; waits in the scopes inside it do not count. A wait counts until the waiting code resumes, even if the future
   * has ended already.
   */
  hasOwnWaits(): boolean {
    return FrameWaits.#waits(this) !== null
  }

  /**
   * @internal the futures that code of this scope or task waits on; the futures of waits in the scopes inside it are
   * left out
   */
  ownWaits(): Iterable<Future<unknown>> {
    this.dropFalseWaits()
    const waits = FrameWaits.#waits(this)
    if (waits === null) return []
    return waits instanceof Map ? waits.values() : [waits]
  }

  static #waits(frame: FrameWaits): Waits | null {
    const stage = frame.#stage
    return stage instanceof Map || stage instanceof Future ? stage : null
  }

  /**
   * @internal calls `visit` for each wait of this scope or task, the oldest wait first, with the key that identifies
   * the wait, its future and its number (waits are numbered in the order in which they begin). Waits in the scopes
   * inside it are left out.
   */
  eachWait(visit: (key: Reaction, future: Future<unknown>, began: number) => void): void {
    this.dropFalseWaits()
    const waits = FrameWaits.#waits(this)
    if (waits instanceof Future) visit(this, waits, this.#began)
    else if (waits !== null) {
      // A copy of the map is visited, because `visit` may interrupt a wait, which changes the map.
      const all = [...waits]
      for (const [key, future] of all) visit(key, future, this.numberOf(key))
    }
  }

  /**
   * @internal calls `visit` for each wait of this scope or task, with the key that identifies the wait, and its future.
   * Waits in the scopes inside it are left out. Changes nothing, so it may be called at any moment.
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
   * @internal whether `reaction`, an object that the loop calls when a future has ended, resumes a wait of this scope
   * or task. False if `reaction` was made for code that has called `then` of a future with two functions without a
   * name: such a call looks like an `await`, but does not wait. Only this one reaction is checked, because in a cancelled
   * scope this method is called for each new wait
   */
  holdsWait(reaction: Reaction): boolean {
    const waits = FrameWaits.#waits(this)
    const key = this.keyOf(reaction)
    const future = waits instanceof Map ? waits.get(key) : key === this ? waits : null
    if (future === undefined || future === null) return false
    return future.done() || !this.dropIfFalse(key)
  }

  /**
   * @internal the future of the only wait of this scope or task, if this frame is the key of the wait; otherwise null.
   * The caller must call `soleWait` or `dropFalseWaits` before: both remove from the list the calls of `then` that look
   * like an `await` but do not wait.
   */
  ownWait(): Future<unknown> | null {
    const waits = FrameWaits.#waits(this)
    return waits instanceof Future ? waits : null
  }

  /**
   * @internal the only future that code of this scope or task waits on; null if there is none, or if there are several
   * different ones. Waits in the scopes inside it do not count.
   */
  soleWait(): Future<unknown> | null {
    this.dropFalseWaits()
    const waits = FrameWaits.#waits(this)
    if (!(waits instanceof Map)) return waits
    const [first, ...others] = waits.values()
    return first !== undefined && others.every((other) => other === first) ? first : null
  }

  /**
   * @internal from now on the loop calls `reaction` to resume the body of the task; for example, `reaction` runs a
   * generator. This frame cannot resume another wait then. So if it was to resume the code of an `await`, a new Awaiter
   * (an object that resumes one wait) takes that wait over.
   */
  driveBy(reaction: Reaction): void {
    if (this.#reject !== null) FrameWaits.#moveOwnWait(this, this.frame)
    this.#functions = reaction
  }

  /**
   * @internal called when the body of the task has ended. If `driveBy` was called with an object that continues the
   * body, such as the driver of a generator, removes the reference to that object, so that it can be garbage-collected.
   */
  endDriver(): void {
    if (this.#reject === null && this.#functions !== null) this.#functions = ended
  }

  /**
   * @internal whether this frame itself is to resume the code of an `await`, so that no Awaiter (an object that resumes
   * one wait) was made for it
   */
  isOwnWait(): boolean {
    return this.#reject !== null
  }

  /**
   * @internal begins a wait: code of this scope or task has called `then` of the pending `future` with these two
   * functions. Returns the object that `then` returns to that code.
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
   * @internal called by the loop when a future has ended, if this frame itself is to resume the code that waits on the
   * future: passes the outcome of the future, or a CancelledError, to that code
   */
  run(): void {
    const functions = this.#functions as Resolve | Chain
    const reject = this.#reject
    this.#functions = null
    this.#reject = null
    const future = this.endWait(this)
    const isWait = !this.mustCancelAt(this) || isResolver(reject)
    const cancel = isWait ? this.resume(this, future) : null
    const promise = passOn(future, cancel, functions, reject)
    if (promise !== nothing && typeof functions === 'function') {
      OwnAwait.write(this.frame, future, functions, promise)
    }
  }

  /**
   * @internal called when code uses the object that `future.then(…)` has returned, for example calls its `catch`.
   * `resolve` is the first of the two functions that were passed to `then`. When `future` has ended, one of the two
   * functions is called; this method returns a promise of the value that this function returns. Returns null if this
   * frame (the object for one scope or task) does not store the two functions any more: it has called one of them
   * already, or has passed them to an Awaiter (an object that resumes one wait). The caller must then look for the
   * promise that `OwnAwait.write` has stored.
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
   * @internal replaces the two functions that the engine has passed to `then` for the `await` that `key` identifies,
   * and returns the old resolving function. When the future ends, `resolve` or `reject` is called in place of the old
   * functions. So the caller must settle the `await` itself: it calls the returned function with a promise or thenable
   * of the outcome. Returns null, and replaces nothing, if there are no such functions, because the waiting code is
   * a generator, or code that has called `then` itself.
   */
  replaceFunctions(key: Reaction, resolve: Resolve, reject: Reject): Resolve | null {
    if (key instanceof Awaiter) return key.replaceFunctions(resolve, reject)
    const old = this.#functions
    if (typeof old !== 'function' || !isResolver(this.#reject)) return null
    this.#functions = resolve
    this.#reject = reject
    return old
  }

  /**
   * @internal notes that code of this scope or task waits on `future`; the loop calls `reaction` when `future` has
   * ended, to resume that code
   */
  suspend(reaction: Reaction, future: Future<unknown>): void {
    FrameWaits.#addWait(this, reaction, future)
    const loop = this.loop
    if (capturesAwaitSites() || loop.monitor !== null) noteAwaitSite(this.keyOf(reaction), future)
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
   * @internal removes a wait, and returns its future. `reaction` is the object that the loop calls to resume the
   * waiting code. This method is called just before that code resumes, and when the wait gets another future or another
   * object to resume it.
   */
  endWait(reaction: Reaction): Future<unknown> {
    const waits = this.#stage as Waits
    let key: Reaction | null = null
    let began = this.#began
    let future: Future<unknown>
    if (waits instanceof Future) {
      this.#stage = null
      future = waits
    } else {
      key = waits.has(reaction) ? reaction : this
      began = this.numberOf(key)
      future = waits.get(key) as Future<unknown>
      waits.delete(key)
      if (waits.size === 0) this.#stage = null
    }
    for (let frame: Frame | null = this.frame; frame !== null; frame = frame.parent) {
      if (began > frame.newestEnded) frame.newestEnded = began
      if (frame.state !== OPEN) afterWait(frame.frame, this.frame, key ?? this)
    }
    return future
  }

  /**
   * @internal Returns the key of a wait of this frame (the object for one scope or task). A frame with several waits
   * keeps them in a map from these keys to the futures. Usually the key is `reaction`, the object that the loop calls
   * to resume the waiting code. But if `reaction` was passed to `driveBy`, and so resumes the body of the task, the key
   * is the frame itself. Most tasks have no other wait, and then a field of the frame keeps the future, without a map.
   */
  keyOf(reaction: Reaction): Reaction {
    return reaction === this.#functions ? this : reaction
  }

  /**
   * @internal ends the waits of this scope or task on `future`: the waiting code gets a CancelledError, as if `future`
   * had been cancelled, but `future` stays pending
   */
  interrupt(future: Future<unknown>, msg: string | CancelledError | undefined): void {
    const interruption = new Interruption({ loop: this.loop })
    interruption.cancel(msg)
    // There are several waits if, for example, a `Promise.all` has the same future more than once.
    for (const reaction of future.reactionsOf(this.frame)) {
      this.endWait(reaction)
      future.removeReaction(reaction)
      FrameWaits.#addWait(this, reaction, interruption)
    }
    // If `future` is a gather, and tasks wait for each other in a circle, the gather fails with a CancelledError that
    // no code reads. So `exception()` is called here: it marks the error as read, and the failure is not reported.
    future.onDone(() => {
      if (future.hasFailed() && isCancelled(future.peekOutcome())) future.exception()
    })
  }

  /**
   * @internal whether `reaction`, which belongs to a pending future in the list of waits, was made for a call of `then`
   * that looks like an `await` but does not wait. If so, removes it from the list.
   */
  dropIfFalse(reaction: Reaction): boolean {
    if (reaction instanceof Awaiter) {
      if (reaction.isWait()) return false
      this.endWait(reaction)
      reaction.becomeCallback()
      return true
    }
    if (this.#reject === null || isResolver(this.#reject)) return false
    FrameWaits.#moveOwnWait(this, null)
    return true
  }

  /**
   * @internal removes from the list of waits the entries that are not waits. Code that calls `then` with two functions
   * without a name looks like an `await`, but does not wait. When the future ends, one of the two functions is still
   * called, but outside of every scope and task. The check takes about 50 ns. So it is not made at each `await`, but only
   * when the list is read, for example by a cancel.
   */
  dropFalseWaits(): void {
    const waits = FrameWaits.#waits(this)
    if (this.#reject !== null) {
      const own = waits instanceof Map ? waits.get(this) : waits
      // If the future is done, this frame is already in the ready queue, and will call one of the two functions that it
      // stores. So these functions must then stay in this frame.
      if (own?.done() === false) this.dropIfFalse(this)
    }
    if (!(waits instanceof Map)) return
    for (const [reaction, future] of waits) {
      if (reaction instanceof Awaiter && !future.done()) this.dropIfFalse(reaction)
    }
  }

  /**
   * Moves the wait that `frame` (the object for one scope or task) keeps in its own fields to a new Awaiter (an
   * object for one wait). When the future ends, the loop calls the Awaiter, and no longer `frame`, to resume the
   * waiting code. The wait then belongs to the frame `owner`. If `owner` is null, the waiting code is not an `await`,
   * but a call of `then`: the two functions that it has passed to `then` become callbacks that belong to no scope or
   * task.
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
 * `interrupt` ends a wait for a future that stays pending: the waiting code then waits on an Interruption in place of
 * that future. The Interruption is cancelled at once, so the wait throws.
 */
export class Interruption extends Future<never> {}

/**
 * A value for the field `#functions` of a frame whose body has ended. It is used if the loop has continued the body by
 * an object that was passed to `driveBy`, such as the object that runs a generator. `ended` replaces that object, so
 * that the object can be garbage-collected. The field stays non-null, which means that the frame itself resumes no
 * wait: if another call that the body has begun waits later, this wait gets an Awaiter (an object that resumes one
 * wait).
 */
const ended: Reaction = { waitingFrame: null, run: () => {}, label: () => 'ended' }
