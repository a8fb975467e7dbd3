import type { AsyncContext } from './async-context.ts'
import {
  areOfAnAwait,
  Awaiter,
  Chain,
  nothing,
  OwnAwait,
  passOn,
  type Reject,
  type Resolve,
} from './awaiter.ts'
import type { Driver } from './driver.ts'
import type { CancelledError } from './errors.ts'
import { Future } from './future.ts'
import type { Reaction } from './reaction.ts'
import type { Task } from './task.ts'

/** What a task waits on; of several, each by its reaction, and the one that was the only one before under the task itself. */
type Waits = Future<unknown> | Map<Reaction, Future<unknown>>

/**
 * The part of a task that waits. A task has one wait nearly always, and there are as many of these as tasks: it is
 * its own reaction then, and holds the two functions of the engine's promise itself.
 */
export abstract class Waiter<T> extends Future<T> implements Reaction {
  /** Until the first step the asynchronous context that it begins in; then what it waits on, null while its code runs. */
  #stage: AsyncContext | Waits | null = null
  /** The functions of the `await` that it waits in, the first of them when there are several; or what drives a generator. */
  #functions: Resolve | Chain | Driver<T> | null = null
  #reject: Reject | null = null

  /** @internal */
  abstract readonly scopeTask: Task
  /** @internal */
  abstract run(): void
  /** @internal */
  abstract label(): string
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

  /** @internal */
  setDriver(driver: Driver<T>): void {
    this.#functions = driver
  }

  /** @internal what the code of an ended generator has left behind goes on to wait beside it */
  endDriver(): void {
    if (
      this.#functions !== null &&
      typeof this.#functions === 'object' &&
      !(this.#functions instanceof Chain)
    ) {
      this.#functions = driven
    }
  }

  /** @internal whether it is its own reaction */
  isOwnWait(): boolean {
    return this.#functions !== null
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
    const isWait = !this.mustCancel || areOfAnAwait(functions, reject)
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
    future.react(reaction)
    const waits = this.#stage as Waits | null
    if (waits === null) this.#stage = future
    else if (waits instanceof Map) waits.set(reaction, future)
    else {
      this.#stage = new Map<Reaction, Future<unknown>>([
        [this, waits],
        [reaction, future],
      ])
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

  /** @internal it goes on without what it waits on, to take a remembered cancel */
  interrupt(): void {
    for (const future of Waiter.#waitingOn(this)) {
      const [reaction] = future.reactionsOf(this)
      if (reaction === undefined) continue
      future.removeReaction(reaction)
      this.getLoop().push(reaction)
      return
    }
  }

  /** @internal the one future that it waits on; null for none and for several */
  soleWait(): Future<unknown> | null {
    Waiter.#dropChained(this)
    const waits = Waiter.#waits(this)
    return waits instanceof Future ? waits : null
  }

  /** @internal for one who has asked for the sole wait in vain: cancels all that it waits on; whether one accepted it */
  cancelWaits(msg: string | CancelledError | undefined): boolean {
    let accepted = false
    for (const future of Waiter.#waitingOn(this)) accepted = future.cancel(msg) || accepted
    return accepted
  }

  /**
   * Whoever has passed two nameless functions to `then` himself does not wait. He is found out only where it matters,
   * since to look costs as much as an await: then he has a reaction of his own.
   */
  static #dropChained(task: Waiter<unknown>): void {
    const waits = Waiter.#waits(task)
    if (waits === null) return
    if (waits instanceof Future) {
      const sole = waits.soleReaction()
      if (sole !== null) Waiter.#dropIfChained(task, waits, sole)
      else for (const each of waits.reactionsOf(task)) Waiter.#dropIfChained(task, waits, each)
      return
    }
    for (const future of new Set(waits.values())) {
      for (const each of future.reactionsOf(task)) Waiter.#dropIfChained(task, future, each)
    }
  }

  static #dropIfChained(task: Waiter<unknown>, future: Future<unknown>, reaction: Reaction): void {
    if (reaction === task) {
      if (!areOfAnAwait(task.#functions, task.#reject)) Waiter.#giveAway(task, future)
    } else if (reaction instanceof Awaiter && !reaction.isWait()) task.endWait(reaction)
  }

  static #giveAway(task: Waiter<unknown>, future: Future<unknown>): void {
    const functions = task.#functions as Resolve | Chain
    const awaiter = new Awaiter(null, future, functions, task.#reject)
    if (typeof functions === 'function') OwnAwait.write(task.scopeTask, future, functions, awaiter)
    task.#functions = null
    task.#reject = null
    task.endWait(task)
    future.removeReaction(task)
    future.react(awaiter)
  }
}

/** In the place of an ended driver. */
const driven: Resolve = () => {}
