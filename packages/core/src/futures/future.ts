import { checkCancelMessage, describe } from '../arguments.ts'
import { type Context, contextOf } from '../context/context-vars.ts'
import { checkLoop, currentFrame, getEventLoop } from '../context/current.ts'
import {
  CancelledError,
  InvalidStateError,
  isCancelled,
  RuntimeError,
  toCancelledError,
} from '../errors/errors.ts'
import { type CoroutineGenerator } from '../tasks/coroutine.ts'
import { FutureIterator } from './future-iterator.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Frame } from '../tasks/frame.ts'
import { isResolver, mayBeAwait } from './await-detection.ts'
import { Awaiter, nothing, type Reject, type Resolve } from './awaiter.ts'
import { DoneCallback, InternalCallback, type Reaction } from './reaction.ts'
import { type Inspect, inspected, showFuture } from './inspect.ts'
import { forgetUnretrieved } from './unretrieved.ts'

/** Found by `isFuture` of any copy of this package, where `instanceof` would tell them apart. */
const futureBrand: symbol = Symbol.for('@tasktree/core.Future')

const PENDING = 0
const FULFILLED = 1
const FAILED = 2
const CANCELLED = 3
/** Failed, and somebody has looked at the exception. */
const SEEN = 4

/** The reactions that run when a future ends. Most futures have none yet, or one. */
type Reactions = Reaction | Set<Reaction> | null

/** Options of a future whose loop nobody may ever ask for. */
const undecided: { loop?: EventLoop } = {}

/** Null for a future whose loop is looked for when somebody asks. */
function readLoop(options: { loop?: EventLoop }): EventLoop | null {
  if (options === undecided) return null
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`new Future() takes an options object, got ${describe(options)}`)
  }
  const { loop } = options
  if (loop === undefined) return getEventLoop()
  checkLoop(loop)
  return loop
}

/**
 * A result that is not there yet: the only thing the runtime waits on. `await` it, or `yield*` it in a
 * generator coroutine. Cancelling a task that waits on it cancels it.
 *
 * Source: asyncio.Future. Differs: a future of another loop can be awaited too.
 */
// Its own methods are static, here and in what extends it: for private methods of an instance the engine keeps
// one more field in every object, and there are a million of these.
export class Future<T> implements PromiseLike<T> {
  /** @internal the bundler calls a class that names itself `_Future` */
  static readonly name: string = 'Future'

  static {
    Object.defineProperty(this.prototype, futureBrand, { value: true })
  }

  #state: 0 | 1 | 2 | 3 | 4 = PENDING
  /** While the future is pending, its reactions; then its result, its exception, or the message or error of its cancel. */
  #value: unknown = null
  /** Null where a completed future has not been asked for it. */
  #loop: EventLoop | null

  constructor(options?: { loop?: EventLoop }) {
    this.#loop = options === undefined ? getEventLoop() : readLoop(options)
    if (new.target !== Future && this.#loop?.monitor != null) this.#loop.monitor.futureMade(this)
  }

  /** @internal pending, and nobody has begun to wait for it */
  isUnused(): boolean {
    return this.#state === PENDING && this.#value === null
  }

  /** Whether it has a result or an exception, or was cancelled. */
  done(): boolean {
    return this.#state !== PENDING
  }

  cancelled(): boolean {
    return this.#state === CANCELLED
  }

  /**
   * The result.
   *
   * @throws its exception, when it failed
   * @throws {CancelledError} when it was cancelled
   * @throws {InvalidStateError} when it is pending
   */
  result(): T {
    if (this.#state === FULFILLED) return this.#value as T
    const exception = Future.#outcome(this, 'result')
    // oxlint-disable-next-line typescript/only-throw-error -- whatever was set is thrown as it is
    throw exception
  }

  /**
   * The exception, or null when there is none.
   *
   * @throws {CancelledError} when it was cancelled
   * @throws {InvalidStateError} when it is pending
   */
  exception(): unknown {
    if (this.#state === FULFILLED) return null
    const exception = Future.#outcome(this, 'exception')
    if (this.#state === CANCELLED) throw exception
    return exception
  }

  static #outcome(future: Future<unknown>, what: string): unknown {
    if (future.#state === PENDING) {
      throw new InvalidStateError(`the ${what} of a pending future was asked for: await it first`)
    }
    if (future.#state === CANCELLED) return future.cancelledError()
    Future.#markSeen(future)
    return future.#value
  }

  /** @throws {InvalidStateError} when it is done */
  setResult(value: T): void {
    Future.#assertPending(this, 'setResult')
    this.fulfill(value)
  }

  /**
   * @throws {InvalidStateError} when it is done
   */
  setException(error: unknown): void {
    Future.#assertPending(this, 'setException')
    this.fail(error)
  }

  static #markSeen(future: Future<unknown>): void {
    if (future.#state !== FAILED) return
    future.#state = SEEN
    forgetUnretrieved(future)
  }

  /** @internal without counting as a look at its exception */
  hasFailed(): boolean {
    return this.#state === FAILED || this.#state === SEEN
  }

  /** @internal nobody has looked at its exception */
  isUnseenFailure(): boolean {
    return this.#state === FAILED
  }

  /** @internal the result, the exception, or what was said of the cancel; not counted as a look at it */
  peekOutcome(): unknown {
    return this.#value
  }

  static #assertPending(future: Future<unknown>, call: string): void {
    if (future.#state === PENDING) return
    const state =
      future.#state === CANCELLED ? 'cancelled' : future.#state === FULFILLED ? 'done' : 'failed'
    throw new InvalidStateError(`${call} needs a pending future, this one is ${state}`)
  }

  /**
   * Ends it as cancelled; code that awaits it gets a CancelledError with `msg`, or `msg` itself when it is
   * one. False when it is done.
   *
   * @throws {TypeError} when `msg` is neither a string nor a CancelledError
   */
  cancel(msg?: string | CancelledError): boolean {
    if (msg !== undefined) checkCancelMessage(msg)
    Future.#markSeen(this)
    if (this.#state !== PENDING) return false
    this.endCancelled(msg)
    return true
  }

  /**
   * Calls `cb` with this future in a turn of the loop after it is done, also when it is done already.
   * It runs in `context`, by default a copy of the current one. What it throws goes to the loop's
   * exception handler.
   */
  addDoneCallback(cb: (future: this) => void, options?: { context?: Context }): void {
    if (typeof cb !== 'function') {
      throw new TypeError(`a done callback must be a function, got ${describe(cb)}`)
    }
    this.react(new DoneCallback(this, cb, contextOf(options)))
  }

  /** Removes every occurrence of `cb` and returns how many there were. */
  removeDoneCallback(cb: (future: this) => void): number {
    let removed = 0
    for (const reaction of Future.#listReactions(this)) {
      if (!(reaction instanceof DoneCallback) || reaction.callback !== cb) continue
      this.removeReaction(reaction)
      removed++
    }
    return removed
  }

  getLoop(): EventLoop {
    return (this.#loop ??= getEventLoop())
  }

  /**
   * As a promise's. Awaiting makes the current task wait on this future; chaining a callback does not. Differs: two
   * callbacks that are both nameless look like an `await`, and are called in the loop when it was pending: no task is
   * current there, and no AsyncLocalStorage entered. What `then` returns is a PromiseLike with `catch` and `finally`.
   */
  // oxlint-disable-next-line unicorn/no-thenable -- what makes a future awaitable
  then<R = T, E = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    // oxlint-disable-next-line typescript/no-explicit-any -- as a promise's, so that `(error: Error) => …` is accepted
    onRejected?: ((error: any) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    const resolve = onFulfilled as Resolve
    const reject = onRejected as Reject
    if (this.#state === PENDING && mayBeAwait(onFulfilled, onRejected)) {
      const frame = currentFrame()
      if (frame !== null) {
        const future = (frame.task as unknown) === this ? this.refuseOwnTask() : this
        return frame.beginAwait(future, resolve, reject) as Promise<R | E>
      }
      const awaiter = new Awaiter(null, this, resolve, reject)
      this.react(awaiter)
      return awaiter as unknown as Promise<R | E>
    }
    // Only one of them is called, and never somebody's own at once.
    if (
      this.#state !== PENDING &&
      isResolver(this.#state === FULFILLED ? onFulfilled : onRejected)
    ) {
      this.settle(resolve, reject)
      // The engine does not look at it; code that passes a promise's functions by itself may.
      return nothing as unknown as Promise<R | E>
    }
    return Future.#toPromise(this).then(onFulfilled, onRejected)
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- as a promise's
  catch<E = never>(onRejected?: ((error: any) => E | PromiseLike<E>) | null): Promise<T | E> {
    return Future.#toPromise(this).catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return Future.#toPromise(this).finally(onFinally)
  }

  /** The name of the class, as a promise has it: a future can be used wherever a Promise is expected. */
  get [Symbol.toStringTag](): string {
    return this.constructor.name
  }

  /** A native promise of this future that no task waits on; callbacks keep their asynchronous context by it. */
  static #toPromise<T>(future: Future<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (future.#state === PENDING)
        future.react(new Awaiter(null, future, resolve as Resolve, reject))
      else future.settle(resolve, reject)
    })
  }

  /** For `yield*`: the result, after a suspension when it is pending. */
  [Symbol.iterator](): CoroutineGenerator<T> {
    return new FutureIterator(this) as unknown as CoroutineGenerator<T>
  }

  /** @internal how the console shows it */
  [inspected](depth: number, options: object, inspect: Inspect): string {
    return showFuture(this, depth, (value) => inspect(value, { ...options, depth: depth - 1 }))
  }

  /** @internal */
  inspectedName(): string {
    return ''
  }

  /** @internal */
  fulfill(value: T): void {
    Future.#end(this, FULFILLED, value)
  }

  /** @internal */
  fail(error: unknown): void {
    // "No exception" must stay distinguishable.
    const exception = error ?? new RuntimeError(`${String(error)} was thrown in place of an error`)
    Future.#end(this, FAILED, exception)
    this.getLoop().failures.note(this)
  }

  /** @internal with the message of a cancel that was asked for, or the error that ended a task */
  endCancelled(cause: string | CancelledError | undefined): void {
    Future.#end(this, CANCELLED, cause)
  }

  /**
   * @internal the error for code that looks at the outcome. What a task's code has thrown is shown once, as in asyncio:
   * a later look gets an error without its message. Most cancelled futures are never looked at.
   */
  cancelledError(): CancelledError {
    const cause = this.#value as string | CancelledError | undefined
    if (this.showsCancelOnce() && isCancelled(cause)) this.#value = undefined
    return toCancelledError(cause)
  }

  /** @internal for a list of outcomes: not a look, and without what a task's code has thrown */
  listedCancelledError(): CancelledError {
    const cause = this.#value as string | CancelledError | undefined
    return this.showsCancelOnce() && isCancelled(cause)
      ? new CancelledError()
      : toCancelledError(cause)
  }

  /** @internal whether a wait for it may end while it goes on, because its end would hand nothing over */
  canBeLeft(): boolean {
    return true
  }

  /** @internal of a task: the outermost frame of its code */
  ownExecution(): Frame | null {
    return null
  }

  /** @internal */
  showsCancelOnce(): boolean {
    return false
  }

  /** @internal hands the outcome to a promise's functions; only when done */
  settle(resolve: (value: T) => unknown, reject: (error: unknown) => unknown): unknown {
    return this.#state === FULFILLED
      ? resolve(this.#value as T)
      : reject(Future.#outcome(this, 'result'))
  }

  /** @internal */
  react(reaction: Reaction): void {
    if (this.#state !== PENDING) {
      this.getLoop().push(reaction)
      return
    }
    const reactions = this.#value as Reactions
    if (reactions === null) this.#value = reaction
    else if (reactions instanceof Set) reactions.add(reaction)
    else this.#value = new Set([reactions, reaction])
  }

  /** @internal calls back outside of every task, with nothing captured; returns what `removeReaction` takes */
  onDone(callback: (future: Future<T>) => void): Reaction {
    const reaction = new InternalCallback(this, callback)
    this.react(reaction)
    return reaction
  }

  /** @internal what a task gets that waits for itself: asyncio tells it in a turn of its own */
  refuseOwnTask(): Future<never> {
    const refusal = new Future<never>({ loop: this.getLoop() })
    refusal.fail(
      new RuntimeError(`${String((this as { name?: string }).name)} cannot await itself`),
    )
    return refusal
  }

  /** @internal does nothing when it has run or is about to */
  removeReaction(reaction: Reaction): void {
    if (this.#state !== PENDING) return
    const reactions = this.#value as Reactions
    if (reactions === reaction) this.#value = null
    else if (reactions instanceof Set) reactions.delete(reaction)
  }

  /** @internal those that resume code of `frame`: several in a `Promise.all` of the same future */
  reactionsOf(frame: Frame): Reaction[] {
    return Future.#listReactions(this).filter((reaction) => reaction.waitingFrame === frame)
  }

  /** @internal the one reaction, when there is exactly one */
  soleReaction(): Reaction | null {
    if (this.#state !== PENDING) return null
    const reactions = this.#value as Reactions
    if (!(reactions instanceof Set)) return reactions
    return reactions.size === 1 ? (reactions.values().next().value ?? null) : null
  }

  /** @internal takes them all, in the order they came; the caller runs them */
  takeReactions(): Reaction[] {
    const reactions = Future.#listReactions(this)
    if (this.#state === PENDING) this.#value = null
    return reactions
  }

  static #listReactions(future: Future<unknown>): Reaction[] {
    if (future.#state !== PENDING) return []
    const reactions = future.#value as Reactions
    if (reactions === null) return []
    return reactions instanceof Set ? [...reactions] : [reactions]
  }

  static #end(future: Future<unknown>, state: 1 | 2 | 3, value: unknown): void {
    const reactions = future.#value as Reactions
    future.#value = value
    future.#state = state
    if (reactions === null) return
    // It was pending, and so knows its loop.
    const loop = future.#loop as EventLoop
    if (reactions instanceof Set) for (const reaction of reactions) loop.push(reaction)
    else loop.push(reactions)
  }
}

/**
 * A future that has its result already, for what need not wait. Its loop is only looked for when somebody asks,
 * which takes a tenth off the acquire of a free lock.
 */
export function completed(): Future<void>
export function completed<T>(value: T): Future<T>
export function completed<T>(value?: T): Future<T | undefined> {
  const future = new Future<T | undefined>(undecided)
  future.fulfill(value)
  return future
}

/** Whether `x` is a Future (a Task is one), of this copy of the package or another. Source: asyncio.isfuture */
export function isFuture(x: unknown): x is Future<unknown> {
  return x instanceof Future || (typeof x === 'object' && x !== null && futureBrand in x)
}
