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
import type { Task } from './task.ts'

/**
 * The problem: asyncio's task is one flow of control, so a cancel of the task is a cancel of its only wait. A JavaScript
 * task has many flows: the branches of `Promise.all`, losers of `Promise.race`, calls that nobody awaits, event
 * handlers. A scope such as `timeout` must cancel the waits of its own body and no others.
 *
 * The idea: each scope runs its body in a frame of its own, which one AsyncLocalStorage carries through every await. A
 * wait belongs to the innermost frame that is running when it begins. A cancel of a frame reaches the waits of that
 * frame and of the frames inside it. A task's outermost frame is its Execution; a loop has one for its callbacks.
 *
 * The invariant: a frame is linked to the frame around it while its scope is open or while a wait is left inside it,
 * so a cancel always finds every wait below it.
 *
 * A frame has nearly always one wait, and there are as many frames as parked tasks. So the frame is itself the
 * reaction of that one wait, and holds the two functions of the engine's promise. Further waits are kept in a map.
 */
type Waits = Future<unknown> | Map<Reaction, Future<unknown>>

/** Numbers the waits of the process in the order in which they begin. */
let waitNumber = 0

/** The first step of the task is still to come. */
export const CREATED = -1
/** The body runs. */
export const OPEN = 0
/** The body has ended by itself; what it left running goes on. */
export const ENDED = 1
/** The body was cancelled and has ended: the frame waits for its other flows, and refuses new waits. */
export const CLOSING = 2
/** As CLOSING, in a turn in which a wait of the frame has ended: the flow that cleans up may wait again. */
export const CLEANING = 3
/** The task was abandoned: no wait may begin. */
export const ABANDONED = 4
export type FrameState =
  | typeof CREATED
  | typeof OPEN
  | typeof ENDED
  | typeof CLOSING
  | typeof CLEANING
  | typeof ABANDONED

/** The part of a frame that keeps its waits; `Frame` adds what a cancel does to them. */
export abstract class FrameWaits implements Reaction {
  readonly task: Task | null
  /** @internal */
  abstract readonly scopeLoop: EventLoop
  /** The frame that this one was opened in. For a task of a group that is the frame of the group, in another task. */
  readonly enclosing: Frame | null
  /** @internal made by the first cancel, or the first look at the signal */
  cancellation: Cancellation | null = null
  /** @internal the frames inside this one */
  firstChild: Frame | null = null
  /** @internal neighbours: among the frames inside `enclosing`, or among the executions of the loop */
  next: Frame | null = null
  /** @internal */
  previous: Frame | null = null
  /** @internal */
  state: FrameState = OPEN
  /** @internal the number of the newest wait that has ended here or inside */
  newestEnded = 0
  /** The number of its own wait. */
  #began = 0
  /** Before the first step the asynchronous context that it begins in; then what it waits on, or null. */
  #stage: AsyncContext | Waits | null = null
  /** The functions of the `await` that is its own wait; or else the reaction that resumes it instead. */
  #functions: Resolve | Chain | Reaction | null = null
  /** Null when there is no own wait. */
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

  /** The frame around this one in the same task, or null. */
  get parent(): Frame | null {
    const { enclosing } = this
    return enclosing !== null && enclosing.task === this.task ? enclosing : null
  }

  /** @internal itself */
  abstract readonly frame: Frame

  /** @internal a cancel of this frame, or of one around it in the same task, is yet to be delivered */
  abstract readonly mustCancel: boolean

  /** @internal whether no wait may begin here: the loop is closed, or a cancelled scope waits for its last flows */
  abstract mustRefuse(): boolean

  /** @internal what code waits on that may not wait on `future`: it ends as cancelled */
  abstract refuse(future: Future<unknown>): Future<never>

  /** @internal a wait has begun in a frame that was cancelled, that is inside another one, or whose body has ended */
  abstract begunWait(reaction: Reaction, future: Future<unknown>): void

  /** @internal the turn of a wait has come after `future` has ended: null, or the cancel to throw instead of the outcome */
  abstract resume(key: Reaction, future: Future<unknown>): CancelledError | null

  /** @internal so that a cancel of the frame around it, or the end of the run, finds it */
  link(): void {}

  /** @internal its scope has ended, and no wait is left inside it */
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

  /** @internal whether a wait of this frame itself is pending, or its turn has not come yet */
  hasOwnWaits(): boolean {
    return FrameWaits.#waits(this) !== null
  }

  /** @internal the pending futures that this frame itself waits on */
  ownWaits(): Iterable<Future<unknown>> {
    FrameWaits.#dropChained(this)
    const waits = FrameWaits.#waits(this)
    if (waits === null) return []
    return waits instanceof Map ? waits.values() : [waits]
  }

  static #waits(frame: FrameWaits): Waits | null {
    const stage = frame.#stage
    return stage instanceof Map || stage instanceof Future ? stage : null
  }

  /** @internal calls `visit` for each wait of this frame itself, oldest first, with its key and its number */
  eachWait(visit: (key: Reaction, future: Future<unknown>, began: number) => void): void {
    FrameWaits.#dropChained(this)
    const waits = FrameWaits.#waits(this)
    if (waits instanceof Future) visit(this, waits, this.#began)
    else if (waits !== null) {
      // A copy: `visit` may interrupt a wait, which changes the map.
      const all = [...waits]
      for (const [key, future] of all) visit(key, future, this.numberOf(key))
    }
  }

  /** @internal calls `visit` for each wait of this frame itself, and changes nothing: a look from outside, at any moment */
  peekWaits(visit: (key: Reaction, future: Future<unknown>) => void): void {
    const waits = FrameWaits.#waits(this)
    if (waits === null) return
    const reject = this.#reject
    // Code that has passed functions of its own to `then` does not wait.
    const isWait = (key: Reaction): boolean =>
      key instanceof Awaiter ? key.isWait() : reject === null || isResolver(reject)
    if (waits instanceof Future) {
      if (isWait(this)) visit(this, waits)
      return
    }
    for (const [key, future] of waits) if (isWait(key)) visit(key, future)
  }

  /** @internal the number of the wait that `key` stands for */
  numberOf(key: Reaction): number {
    return key instanceof Awaiter ? key.began : this.#began
  }

  /** @internal whether `reaction` stands for a wait, after a look whether code has passed functions of its own */
  holdsWait(reaction: Reaction): boolean {
    FrameWaits.#dropChained(this)
    const waits = FrameWaits.#waits(this)
    const key = this.keyOf(reaction)
    return waits instanceof Map ? waits.has(key) : waits !== null && key === this
  }

  /** @internal what its own wait is for, when it has no other; looked at after `soleWait` */
  ownWait(): Future<unknown> | null {
    const waits = FrameWaits.#waits(this)
    return waits instanceof Future ? waits : null
  }

  /** @internal the one future that this frame itself waits on; null for none and for several */
  soleWait(): Future<unknown> | null {
    FrameWaits.#dropChained(this)
    const waits = FrameWaits.#waits(this)
    if (!(waits instanceof Map)) return waits
    const [first, ...others] = waits.values()
    return first !== undefined && others.every((other) => other === first) ? first : null
  }

  /** @internal `reaction` resumes the task's body from now on; an `await` that may have begun gets a reaction of its own */
  driveBy(reaction: Reaction): void {
    if (this.#reject !== null) FrameWaits.#giveAway(this, this.frame)
    this.#functions = reaction
  }

  /** @internal the body has ended: its driver can be collected; other flows of the task keep their own reactions */
  endDriver(): void {
    if (this.#reject === null && this.#functions !== null) this.#functions = ended
  }

  /** @internal whether the running `await` is the frame's own */
  isOwnWait(): boolean {
    return this.#reject !== null
  }

  /** @internal code of this frame has called `then` of a pending future; returns what that `then` returns */
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

  /** @internal the turn after its own wait has ended */
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

  /** @internal a promise of what `resolve`, with which it waits on `future`, will return; null when that wait is over */
  chain(future: Future<unknown>, resolve: Resolve): Promise<unknown> | null {
    const waits = FrameWaits.#waits(this)
    const own = waits instanceof Map ? waits.get(this) : waits
    if (own !== future || this.#functions !== resolve) return null
    const chain = new Chain(resolve, this.#reject as Reject)
    this.#functions = chain
    return chain.derived.promise
  }

  /** @internal code of this frame waits on a future; `reaction` will resume that code */
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

  /** @internal the turn of `reaction` has come: takes its wait away and returns what it waited on */
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

  /** @internal the key under which `reaction` stands among the waits */
  keyOf(reaction: Reaction): Reaction {
    return reaction === this.#functions ? this : reaction
  }

  /** @internal ends the waits of this frame on `future`, which stays pending, as if `future` had been cancelled */
  interrupt(future: Future<unknown>, msg: string | CancelledError | undefined): void {
    const interruption = new Interruption({ loop: this.scopeLoop })
    interruption.cancel(msg)
    // Several in a `Promise.all` of the same future.
    for (const reaction of future.reactionsOf(this.frame)) {
      this.endWait(reaction)
      future.removeReaction(reaction)
      FrameWaits.#addWait(this, reaction, interruption)
    }
    // The CancelledError that a gather in a circle of waits collects is seen by nobody else.
    future.onDone(() => {
      if (future.hasFailed() && isCancelled(future.peekOutcome())) future.exception()
    })
  }

  /**
   * Code that passed two nameless functions of its own to `then` does not wait. That is found out only where it
   * matters, because the check costs as much as an await: then such code gets a reaction of its own.
   */
  static #dropChained(frame: FrameWaits): void {
    const waits = FrameWaits.#waits(frame)
    if (frame.#reject !== null) {
      const own = waits instanceof Map ? waits.get(frame) : waits
      // When the future is done, the turn of its reaction is in the ready queue already.
      if (own?.done() === false && !isResolver(frame.#reject)) FrameWaits.#giveAway(frame, null)
    }
    if (!(waits instanceof Map)) return
    for (const [reaction, future] of waits) {
      if (!(reaction instanceof Awaiter) || future.done() || reaction.isWait()) continue
      frame.endWait(reaction)
      reaction.letGo()
    }
  }

  /** Gives the own wait a reaction of its own. It is a wait of `owner`, or of no frame. */
  static #giveAway(frame: FrameWaits, owner: Frame | null): void {
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

/** A task of a group has ended: the frames around it may have waited for it. */
export function afterGroupTask(group: Frame): void {
  for (let frame: Frame | null = group; frame !== null; frame = frame.parent) {
    if (frame.state !== OPEN) afterWait(frame)
  }
}

/** How many pieces of this library's own clean-up code of a frame waits for outside of every frame. */
const cleanups = new WeakMap<Frame, number>()

/** Until `endCleanup`, a scope around `frame` that waits for its last flows waits for this clean-up as well. */
export function beginCleanup(frame: Frame): void {
  cleanups.set(frame, (cleanups.get(frame) ?? 0) + 1)
}

export function endCleanup(frame: Frame): void {
  const left = (cleanups.get(frame) ?? 0) - 1
  if (left > 0) cleanups.set(frame, left)
  else cleanups.delete(frame)
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    if (each.state !== OPEN) afterWait(each)
  }
}

/** A wait has ended in, or inside, a frame whose body has ended. */
function afterWait(frame: Frame): void {
  if (frame.state === CLOSING) {
    frame.state = CLEANING
    frame.scopeLoop.atTurnEnd(() => {
      if (frame.state === CLEANING) frame.state = CLOSING
      if (!hasWaits(frame)) frame.cancellation?.becameQuiet()
      unlinkIfIdle(frame)
    })
  } else unlinkIfIdle(frame)
}

function unlinkIfIdle(frame: Frame): void {
  if (frame.hasOwnWaits() || frame.firstChild !== null || cleanups.has(frame)) return
  frame.unlink()
}

/**
 * Whether `frame`, or a frame inside it, has a wait, or a group with a task that goes on. It stops at the first one: a
 * scope with many scopes inside asks this each time one of them ends.
 */
export function hasWaits(frame: Frame): boolean {
  const frames = [frame]
  for (let each = frames.pop(); each !== undefined; each = frames.pop()) {
    if (each.hasOwnWaits() || cleanups.has(each)) return true
    for (const task of each.members) if (!task.done()) return true
    for (let child = each.firstChild; child !== null; child = child.next) {
      if (child.hasOwnWaits()) return true
      frames.push(child)
    }
  }
  return false
}

/**
 * The body of a cancelled `frame` has ended, and only its other flows are left. Nobody but them could tell a group inside
 * it of the cancel, and they may be in a foreign await: so its tasks are cancelled now.
 */
export function close(frame: Frame): void {
  frame.state = CLOSING
  for (const each of framesOf(frame)) {
    if (each.isShielded || each === frame) continue
    for (const task of each.members) {
      if (task.done() || task.ownExecution().cancelling() > 0) continue
      task.cancel()
    }
  }
}

/** `frame` and the frames inside it, the outermost first. */
export function framesOf(frame: Frame): Frame[] {
  const frames = [frame]
  // The list grows while it is read: nested scopes may be deeper than the stack.
  for (const each of frames) {
    for (let child = each.firstChild; child !== null; child = child.next) frames.push(child)
  }
  return frames
}

/** What a frame waits on instead of a future that only its own task could end. */
export class Interruption extends Future<never> {}

/** Stands in the place of a driver whose generator has ended. */
const ended: Reaction = { waitingFrame: null, run: () => {}, label: () => 'ended' }
