import type { AsyncContext } from '../context/async-context.ts'
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
import type { Cancellation } from './cancellation.ts'
import { type CancelledError, isCancelled } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import type { Task } from './task.ts'

/**
 * What a task waits on, by who goes on then: the task itself for its own wait or its driver's, of which it has one at
 * most, and otherwise the reaction. That one alone, as nearly always, needs no map.
 */
type Waits = Future<unknown> | Map<Reaction, Future<unknown>>

/**
 * The part of a task that waits. A task has one wait nearly always, and there are as many of these as tasks: it is
 * its own reaction then, and holds the two functions of the engine's promise itself.
 */
export abstract class Waiter<T> extends Future<T> implements Reaction {
  /** Until the first step the asynchronous context that it begins in; then what it waits on, null while its code runs. */
  #stage: AsyncContext | Waits | null = null
  /** The functions of the `await` that is its own wait; or else whatever resumes it in its place. */
  #functions: Resolve | Chain | Reaction | null = null
  /** Null when there is no own wait. */
  #reject: Reject | null = null

  /** @internal */
  abstract readonly scopeTask: Task
  /** @internal */
  abstract run(): void
  /** @internal */
  abstract label(): string
  /** @internal */
  abstract readonly cancellation: Cancellation
  /** @internal a remembered cancel that the next turn will deliver */
  abstract readonly mustCancel: boolean
  /** @internal its turn after `future`, which it waited on, has ended: null, or the cancel to throw instead of the outcome */
  abstract resume(future: Future<unknown>): CancelledError | null

  /** The pending futures it waits on: none while its code runs, several in a `Promise.all`. */
  get waitingOn(): ReadonlySet<Future<unknown>> {
    Waiter.#dropChained(this)
    return Waiter.#waitingOn(this)
  }

  static #waitingOn(task: Waiter<unknown>): ReadonlySet<Future<unknown>> {
    const waits = Waiter.#waits(task)
    if (waits === null) return new Set()
    return new Set(waits instanceof Map ? waits.values() : [waits])
  }

  static #waits(task: Waiter<unknown>): Waits | null {
    const stage = task.#stage
    if (stage instanceof Map) return stage
    return stage instanceof Future && stage !== task ? stage : null
  }

  /** @internal */
  setStart(context: AsyncContext): void {
    this.#stage = context
  }

  /** @internal */
  takeStart(): AsyncContext {
    const context = this.#stage as AsyncContext
    this.#stage = null
    return context
  }

  /** @internal */
  isBeforeStart(): boolean {
    return this.#stage !== null && Waiter.#waits(this) === null
  }

  /** @internal `reaction` resumes it from now on: what its code awaits besides has a reaction of its own, as the await has that it may have begun */
  driveBy(reaction: Reaction): void {
    if (this.#reject !== null) Waiter.#giveAway(this, this.scopeTask)
    this.#functions = reaction
  }

  /** @internal it has ended: its driver can be collected, and what its code has left behind still has reactions of its own */
  endDriver(): void {
    if (this.#reject === null && this.#functions !== null) this.#functions = ended
  }

  /** @internal whether it waits by itself */
  isOwnWait(): boolean {
    return this.#reject !== null
  }

  /** @internal its code has called `then` of a pending future, or of a refusal; returns what that returns */
  beginAwait(future: Future<unknown>, resolve: Resolve, reject: Reject): PromiseLike<unknown> {
    if (this.#functions !== null) {
      const awaiter = new Awaiter(this.scopeTask, future, resolve, reject)
      this.suspend(awaiter, future)
      return awaiter
    }
    this.#functions = resolve
    this.#reject = reject
    this.suspend(this, future)
    return new OwnAwait(this.scopeTask, future, resolve)
  }

  /** @internal its turn after what it waited on by itself has ended */
  goOn(): void {
    const functions = this.#functions as Resolve | Chain
    const reject = this.#reject
    this.#functions = null
    this.#reject = null
    const future = this.endWait(this)
    const isWait = !this.mustCancel || isResolver(reject)
    const promise = passOn(future, isWait ? this.resume(future) : null, functions, reject)
    if (promise !== nothing && typeof functions === 'function') {
      OwnAwait.write(this.scopeTask, future, functions, promise)
    }
  }

  /** @internal a promise of what `resolve`, with which it waits on `future`, will return; null when that is over */
  chain(future: Future<unknown>, resolve: Resolve): Promise<unknown> | null {
    const waits = Waiter.#waits(this)
    const own = waits instanceof Map ? waits.get(this) : waits
    if (own !== future || this.#functions !== resolve) return null
    const chain = new Chain(resolve, this.#reject as Reject)
    this.#functions = chain
    return chain.derived.promise
  }

  /** @internal its code waits on a future: `reaction` is its going on */
  suspend(reaction: Reaction, future: Future<unknown>): void {
    Waiter.#addWait(this, reaction, future)
  }

  static #addWait(task: Waiter<unknown>, reaction: Reaction, future: Future<unknown>): void {
    future.react(reaction)
    const key = reaction === task.#functions ? task : reaction
    const waits = task.#stage as Waits | null
    if (waits instanceof Map) waits.set(key, future)
    else if (waits === null && key === task) task.#stage = future
    else {
      const several = new Map<Reaction, Future<unknown>>()
      if (waits !== null) several.set(task, waits)
      task.#stage = several.set(key, future)
    }
  }

  /** @internal `reaction` has its turn: what it waited on */
  endWait(reaction: Reaction): Future<unknown> {
    const waits = this.#stage as Waits
    if (waits instanceof Future) {
      this.#stage = null
      return waits
    }
    const key = waits.has(reaction) ? reaction : this
    const future = waits.get(key) as Future<unknown>
    waits.delete(key)
    if (waits.size === 0) this.#stage = null
    return future
  }

  /** @internal the wait on `future`, pending still, ends as if that were cancelled */
  interrupt(future: Future<unknown>, msg: string | CancelledError | undefined): void {
    const interruption = new Interruption({ loop: this.getLoop() })
    interruption.cancel(msg)
    // Several in a `Promise.all` of the same future.
    for (const reaction of future.reactionsOf(this)) {
      this.endWait(reaction)
      future.removeReaction(reaction)
      Waiter.#addWait(this, reaction, interruption)
    }
    // What a gather has gathered of the circle is nobody's any more.
    future.onDone(() => {
      if (future.hasFailed() && isCancelled(future.peekOutcome())) future.exception()
    })
  }

  /** @internal the one future that it waits on; null for none and for several */
  soleWait(): Future<unknown> | null {
    Waiter.#dropChained(this)
    const waits = Waiter.#waits(this)
    if (!(waits instanceof Map)) return waits
    const [first, ...others] = waits.values()
    return first !== undefined && others.every((other) => other === first) ? first : null
  }

  /** @internal for one who has asked for the sole wait in vain */
  severalWaits(): ReadonlySet<Future<unknown>> {
    return Waiter.#waitingOn(this)
  }

  /**
   * Whoever has passed two nameless functions to `then` himself does not wait. He is found out only where it matters,
   * since to look costs as much as an await: then he has a reaction of his own.
   */
  static #dropChained(task: Waiter<unknown>): void {
    const waits = Waiter.#waits(task)
    if (task.#reject !== null) {
      const own = waits instanceof Map ? waits.get(task) : waits
      // Of one that has ended the turn is on its way.
      if (own?.done() === false && !isResolver(task.#reject)) Waiter.#giveAway(task, null)
    }
    if (!(waits instanceof Map)) return
    for (const [reaction, future] of waits) {
      if (!(reaction instanceof Awaiter) || future.done() || reaction.isWait()) continue
      task.endWait(reaction)
      reaction.letGo()
    }
  }

  /** The own wait gets a reaction of its own, by which `owner` waits. */
  static #giveAway(task: Waiter<unknown>, owner: Task | null): void {
    const functions = task.#functions as Resolve | Chain
    const reject = task.#reject
    task.#functions = null
    task.#reject = null
    const future = task.endWait(task)
    future.removeReaction(task)
    const awaiter = new Awaiter(owner, future, functions, reject)
    if (typeof functions === 'function') OwnAwait.write(task.scopeTask, future, functions, awaiter)
    if (owner === null) future.react(awaiter)
    else owner.suspend(awaiter, future)
  }
}

/** What a task waits on in the place of a future that only the task itself could end. */
export class Interruption extends Future<never> {}

/** In the place of an ended driver. */
const ended: Reaction = { scopeTask: null, run: () => {}, label: () => 'ended' }
