import { checkCancelMessage, describe } from '../arguments.ts'
import { type Context, contextOf } from '../context/context-vars.ts'
import { ChainedPromise } from './chained-promise.ts'
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
import { isResolver, mayBeAwait } from './recognize-await.ts'
import { Awaiter, nothing, type Reject, type Resolve } from './awaiter.ts'
import { DoneCallback, InternalCallback, type Reaction } from './reaction.ts'
import {
  addReaction,
  listReactions,
  pushReaction,
  pushReactions,
  type ReactionSet,
  soleReaction,
  withoutReaction,
} from './reaction-set.ts'
import { type Inspect, inspected, showFuture } from './inspect.ts'
import { forgetUnretrieved } from './unretrieved.ts'

/**
 * Marks every future, so that `isFuture` of another copy of this package recognizes it. `instanceof` knows only the
 * classes of its own copy.
 */
const futureBrand: symbol = Symbol.for('@tasktree/core.Future')

const PENDING = 0
const FULFILLED = 1
const FAILED = 2
const CANCELLED = 3
/**
 * The future has failed, and some code has read its exception, for example by an `await`, or has called `cancel()` after
 * the failure. Such a failure is not reported as "never retrieved".
 */
const SEEN = 4

/** The options that `completed()` passes to the constructor of Future. They mean: do not look for a loop now. */
const undecided: { loop?: EventLoop } = {}

/**
 * Returns the option `loop`, or the current loop if the option is not given. Returns null for the options `undecided`,
 * which `completed()` passes: the future then has no loop until the first call of `getLoop()`.
 */
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
 * An object for a result that is not there yet. Async code waits for a future with `await`, and a generator coroutine
 * waits for it with `yield*`. A cancel of a task cancels the future that the task waits on.
 *
 * @example
 *     const answer = new Future<string>()
 *     setTimeout(() => answer.setResult('ready'), 5)
 *     console.log(answer.done(), await answer) // false ready
 *
 * Source: asyncio.Future. Differs: a future of another loop can be awaited too.
 */
// Private methods are static, in this class and in the subclasses of which a program may have a million objects. If a
// class has private methods that are not static, the engine keeps one more field in each object of that class.
export class Future<T> implements PromiseLike<T> {
  /**
   * @internal The bundler renames a class that refers to itself to `_Future`; this property keeps the name that users
   * see.
   */
  static readonly name: string = 'Future'

  static {
    Object.defineProperty(this.prototype, futureBrand, { value: true })
  }

  #state: 0 | 1 | 2 | 3 | 4 = PENDING
  /**
   * While the future is pending: its reactions (the objects that the loop runs when the future has ended). After that:
   * its result, its exception, or the message or error of its cancel.
   */
  #value: unknown = null
  /**
   * The loop of this future. Null only for a future made by `completed()`, which looks for its loop on the first call
   * of `getLoop()`.
   */
  #loop: EventLoop | null

  constructor(options?: { loop?: EventLoop }) {
    this.#loop = options === undefined ? getEventLoop() : readLoop(options)
    if (new.target !== Future && this.#loop?.monitor != null) this.#loop.monitor.futureMade(this)
  }

  /**
   * @internal whether this future is pending and no code waits for it; debug mode reports such a future when the task
   * that made it ends
   */
  isUnused(): boolean {
    return this.#state === PENDING && this.#value === null
  }

  /** Whether this future has ended: with a result, with an exception, or as cancelled. */
  done(): boolean {
    return this.#state !== PENDING
  }

  cancelled(): boolean {
    return this.#state === CANCELLED
  }

  /**
   * Returns the result of this future.
   *
   * @throws the exception of this future, when it has failed
   * @throws {CancelledError} when this future was cancelled
   * @throws {InvalidStateError} when this future is pending
   */
  result(): T {
    if (this.#state === FULFILLED) return this.#value as T
    const exception = Future.#outcome(this, 'result')
    // oxlint-disable-next-line typescript/only-throw-error -- the value that was set as the exception is thrown unchanged
    throw exception
  }

  /**
   * Returns the exception of this future, or null when it has a result.
   *
   * @throws {CancelledError} when this future was cancelled
   * @throws {InvalidStateError} when this future is pending
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

  /** Ends this future with `value` as its result. @throws {InvalidStateError} when this future is done already */
  setResult(value: T): void {
    Future.#assertPending(this, 'setResult')
    this.fulfill(value)
  }

  /** Ends this future with `error` as its exception. @throws {InvalidStateError} when this future is done already */
  setException(error: unknown): void {
    Future.#assertPending(this, 'setException')
    this.fail(error)
  }

  static #markSeen(future: Future<unknown>): void {
    if (future.#state !== FAILED) return
    future.#state = SEEN
    forgetUnretrieved(future)
  }

  /**
   * @internal whether this future has failed. Does not mark the exception as read, so a failure that no code has read
   * is still reported.
   */
  hasFailed(): boolean {
    return this.#state === FAILED || this.#state === SEEN
  }

  /** @internal whether this future has failed and no code has read its exception */
  isUnseenFailure(): boolean {
    return this.#state === FAILED
  }

  /**
   * @internal returns the result, the exception, or the message or error of the cancel; this future must be done. Does
   * not mark the exception as read, so a failure that no code has read is still reported.
   */
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
   * Ends this future as cancelled: code that awaits this future gets a CancelledError with the message `msg`, or `msg`
   * itself if `msg` is a CancelledError. Returns false when this future is done already; if it has failed, its failure
   * then counts as read, and is not reported.
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
   * Adds a callback: when this future has ended, the loop soon calls `cb` once, with this future. If this future is
   * done already, the loop also calls `cb` soon, but never before this method has returned. The callback runs in
   * `context`, by default a copy of the current context. An error that the callback throws goes to the loop's exception
   * handler.
   */
  addDoneCallback(cb: (future: this) => void, options?: { context?: Context }): void {
    if (typeof cb !== 'function') {
      throw new TypeError(`a done callback must be a function, got ${describe(cb)}`)
    }
    this.react(new DoneCallback(this, cb, contextOf(options)))
  }

  /**
   * Removes `cb` from the callbacks of this future. Returns how often it was removed: more than once if it was added
   * more than once.
   */
  removeDoneCallback(cb: (future: this) => void): number {
    let removed = 0
    for (const reaction of this.listReactions()) {
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
   * Works as `then` of a promise does. An `await` makes the current task wait on this future, and so does an `await` of
   * the promise that `then`, `catch` and `finally` return. A call of `then` with one callback does not make the task
   * wait.
   *
   * Differs: a call of `then` with two functions, of which the first has no name, looks like an `await`. If this future
   * is still pending at such a call, the loop later calls one of the two functions outside of every task and without the
   * values of AsyncLocalStorage. In that case `then` returns a PromiseLike with `catch` and `finally`, and not a Promise,
   * and an `await` of it does not make the task wait.
   */
  // oxlint-disable-next-line unicorn/no-thenable -- this method makes a future awaitable
  then<R = T, E = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    // oxlint-disable-next-line typescript/no-explicit-any -- the type is that of `Promise.then`, so that `(error: Error) => …` is accepted
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
    // Only one of the two functions will be called. If this function is the `resolve` or `reject` of a native promise,
    // it is called now. A user's function is not called now, because `then` of a promise never calls a function at
    // once.
    if (
      this.#state !== PENDING &&
      isResolver(this.#state === FULFILLED ? onFulfilled : onRejected)
    ) {
      this.settle(resolve, reject)
      // `settle` has called the `resolve` or `reject` of a native promise, which returns undefined. So the promise that
      // `then` must return has the value undefined. It is the same promise for all calls. An `await` ignores it, and user
      // code that has called `then` can await it.
      return nothing as unknown as Promise<R | E>
    }
    return Future.#toPromise(this).then(onFulfilled, onRejected)
  }

  /** Calls `then`, as `catch` of a promise does, so a subclass that overrides `then` learns of this call too. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the type is that of `Promise.catch`
  catch<E = never>(onRejected?: ((error: any) => E | PromiseLike<E>) | null): Promise<T | E> {
    return this.then(undefined, onRejected)
  }

  /** Calls `then`, as `finally` of a promise does, so a subclass that overrides `then` learns of this call too. */
  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.then(undefined).finally(onFinally)
  }

  /**
   * The name of the class. TypeScript's type `Promise` requires this property, so a future can be passed where a
   * Promise is expected.
   */
  get [Symbol.toStringTag](): string {
    return this.constructor.name
  }

  /**
   * Makes a promise with the outcome of `future`. Only an `await` of that promise makes the current task wait; a
   * callback on the promise does not. Such a callback sees the AsyncLocalStorage values of the code that has added it.
   */
  static #toPromise<T>(future: Future<T>): Promise<T> {
    return ChainedPromise.of(future, (resolve, reject) => {
      if (future.#state === PENDING) future.react(new Awaiter(null, future, resolve, reject))
      else future.settle(resolve, reject)
    })
  }

  /**
   * Makes `yield* future` work in a generator coroutine: the coroutine is suspended while this future is pending. After
   * that, `yield*` gives the result of this future, or throws its error.
   */
  [Symbol.iterator](): CoroutineGenerator<T> {
    return new FutureIterator(this) as unknown as CoroutineGenerator<T>
  }

  /** @internal returns the text that `console.log` shows for this future */
  [inspected](depth: number, options: object, inspect: Inspect): string {
    return showFuture(this, depth, (value) => inspect(value, { ...options, depth: depth - 1 }))
  }

  /** @internal */
  inspectedName(): string {
    return ''
  }

  /** @internal returns the text that the task tree shows for a task that awaits this future */
  describeWait(): string {
    return this.constructor.name
  }

  /** @internal */
  fulfill(value: T): void {
    Future.#end(this, FULFILLED, value)
  }

  /** @internal */
  fail(error: unknown): void {
    // `exception()` returns null for "no exception", so an error that is null or undefined is replaced.
    const exception = error ?? new RuntimeError(`${String(error)} was thrown in place of an error`)
    Future.#end(this, FAILED, exception)
    this.getLoop().failures.note(this)
  }

  /**
   * @internal ends this future as cancelled; `cause` is the message of the cancel, or the CancelledError that code which
   * awaits this future gets
   */
  endCancelled(cause: string | CancelledError | undefined): void {
    Future.#end(this, CANCELLED, cause)
  }

  /**
   * @internal returns the CancelledError for code that reads the outcome of this cancelled future. If the future has
   * only a message, the error is made on this call, because no code reads the outcome of most cancelled futures. If this
   * future is a task whose code has thrown a CancelledError, only the first call returns that error, as in asyncio; each
   * later call returns an error without a message.
   */
  cancelledError(): CancelledError {
    const cause = this.#value as string | CancelledError | undefined
    if (this.showsCancelOnce() && isCancelled(cause)) this.#value = undefined
    return toCancelledError(cause)
  }

  /**
   * @internal Returns the CancelledError that `gather` puts among its results for this cancelled future. If this future
   * is a task whose code has thrown a CancelledError, only the first call of `cancelledError()` returns that error, as
   * in asyncio. `listedCancelledError` leaves it for that call, and returns a new error without a message.
   */
  listedCancelledError(): CancelledError {
    const cause = this.#value as string | CancelledError | undefined
    return this.showsCancelOnce() && isCancelled(cause)
      ? new CancelledError()
      : toCancelledError(cause)
  }

  /**
   * @internal whether a wait for this future may be ended while the future stays pending. False means that this future
   * is about to take a lock or an item for its waiter. If the wait ended now, the lock or item would be lost.
   */
  canBeLeft(): boolean {
    return true
  }

  /**
   * @internal if this future is a task, returns its Execution: the object that runs the code of the task. Null for
   * every other future.
   */
  ownExecution(): Frame | null {
    return null
  }

  /** @internal */
  showsCancelOnce(): boolean {
    return false
  }

  /**
   * @internal calls `resolve` with the result, or `reject` with the error; this future must be done. Returns the return
   * value of the called function.
   */
  settle(resolve: (value: T) => unknown, reject: (error: unknown) => unknown): unknown {
    return this.#state === FULFILLED
      ? resolve(this.#value as T)
      : reject(Future.#outcome(this, 'result'))
  }

  /** @internal */
  react(reaction: Reaction): void {
    if (this.#state !== PENDING) {
      pushReaction(reaction, this.getLoop())
      return
    }
    this.#value = addReaction(this.#value as ReactionSet, reaction)
  }

  /**
   * @internal adds a callback: when this future has ended, the loop soon calls `callback`, outside of every task and
   * without the caller's context variables. Returns an object that stands for the callback; `removeReaction` takes it
   * and removes the callback.
   */
  onDone(callback: (future: Future<T>) => void): Reaction {
    const reaction = new InternalCallback(this, callback)
    this.react(reaction)
    return reaction
  }

  /**
   * @internal called when a task awaits itself: returns a future that has failed. The task waits on that future instead
   * of itself. So the `await` of the task throws the error when the loop next comes to this task, as in asyncio.
   */
  refuseOwnTask(): Future<never> {
    const refusal = new Future<never>({ loop: this.getLoop() })
    refusal.fail(
      new RuntimeError(`${String((this as { name?: string }).name)} cannot await itself`),
    )
    return refusal
  }

  /**
   * @internal removes `reaction`, an object that the loop would run when this future has ended; does nothing if this
   * future is done, because the loop has then run the reaction, or is about to run it
   */
  removeReaction(reaction: Reaction): void {
    if (this.#state !== PENDING) return
    this.#value = withoutReaction(this.#value as ReactionSet, reaction)
  }

  /**
   * @internal the reactions (the objects that the loop will run when this future has ended) that resume code of `frame`
   * (the object for one scope or task); there are several if, for example, a `Promise.all` has this future more than
   * once
   */
  reactionsOf(frame: Frame): Reaction[] {
    return this.listReactions().filter((reaction) => reaction.waitingFrame === frame)
  }

  /**
   * @internal the only reaction of this pending future, which is the object that the loop will run when this future has
   * ended; null if there is no reaction, if there are several, or if this future is done
   */
  soleReaction(): Reaction | null {
    return this.#state === PENDING ? soleReaction(this.#value as ReactionSet) : null
  }

  /**
   * @internal the reactions of this pending future (the objects that the loop will run when this future has ended), the
   * oldest first; none if this future is done
   */
  listReactions(): Reaction[] {
    return this.#state === PENDING ? listReactions(this.#value as ReactionSet) : []
  }

  /**
   * @internal removes and returns the reactions of this pending future (the objects that the loop would run when this
   * future has ended), the oldest first; the caller must run them or add them again
   */
  takeReactions(): Reaction[] {
    const reactions = this.listReactions()
    if (this.#state === PENDING) this.#value = null
    return reactions
  }

  static #end(future: Future<unknown>, state: 1 | 2 | 3, value: unknown): void {
    const reactions = future.#value as ReactionSet
    future.#value = value
    future.#state = state
    if (reactions === null) return
    // `#loop` is not null here: only a future that `completed()` has made has no loop, and such a future has no
    // reactions.
    pushReactions(reactions, future.#loop as EventLoop)
  }
}

/**
 * Returns a future that has its result already, for an operation that need not wait. The future looks for its loop only
 * on the first call of `getLoop()`, which makes the acquire of a free lock about 10% faster.
 */
export function completed(): Future<void>
export function completed<T>(value: T): Future<T>
export function completed<T>(value?: T): Future<T | undefined> {
  const future = new Future<T | undefined>(undecided)
  future.fulfill(value)
  return future
}

/**
 * Whether `x` is a Future. A Task is a Future too. The result is true even if another copy of this package has made the
 * future. Source: asyncio.isfuture
 *
 * @example
 *     console.log(isFuture(sleep(1)), isFuture(Promise.resolve())) // true false
 */
export function isFuture(x: unknown): x is Future<unknown> {
  return x instanceof Future || (typeof x === 'object' && x !== null && futureBrand in x)
}
