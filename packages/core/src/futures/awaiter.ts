import { isResolver } from './await-detection.ts'
import type { CancelledError } from '../errors/errors.ts'
import type { Future } from './future.ts'
import type { Reaction } from './reaction.ts'
import type { Frame } from '../tasks/frame.ts'

/** The types of the two functions that a caller passes to `then`. */
export type Resolve = (value: unknown) => unknown
export type Reject = (error: unknown) => unknown

/**
 * The object that `then` of a pending future returns to a caller that looks like an `await`. An `await` ignores this
 * object. User code that passes two functions without a name looks the same, and to tell it apart would make every
 * await slower. For such code, this object stands for the promise that `then` should return: a promise of the value
 * that the called function returns.
 */
abstract class Derived implements PromiseLike<unknown> {
  /** @internal */
  protected abstract promise(): Promise<unknown>

  // oxlint-disable-next-line unicorn/no-thenable -- this object stands for a promise, so it needs `then`
  then<R = unknown, E = never>(
    onFulfilled?: ((value: unknown) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    return this.promise().then(onFulfilled, onRejected)
  }

  catch<E>(onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<unknown> {
    return this.promise().catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<unknown> {
    return this.promise().finally(onFinally)
  }
}

/**
 * The two functions that code has passed to `then`, and a promise of the value that the called function will return. At
 * first a wait stores only the two functions, because most waits never need the promise. When code uses the object that
 * `then` has returned for a wait, that wait stores a Chain in place of the functions.
 */
export class Chain {
  readonly resolve: Resolve
  readonly reject: Reject
  readonly derived: PromiseWithResolvers<unknown> = Promise.withResolvers()

  constructor(resolve: Resolve, reject: Reject) {
    this.resolve = resolve
    this.reject = reject
  }
}

/**
 * A promise of undefined. All calls of `then` share it if the called function has returned undefined. The functions
 * `resolve` and `reject` of a native promise always return undefined.
 */
export const nothing: Promise<unknown> = Promise.resolve(undefined)

/**
 * Calls one of the two functions that were passed to `then`, with the outcome of `future`. `functions` is the first
 * function and `reject` is the second; or `functions` is a Chain that holds both. If `cancel` is not null, calls the
 * second function with `cancel` and ignores the outcome: the task was cancelled after the future had ended, and the
 * cancel wins, as in CPython. Returns a promise of the value that the called function has returned.
 */
export function passOn(
  future: Future<unknown>,
  cancel: CancelledError | null,
  functions: Resolve | Chain,
  reject: Reject | null,
): Promise<unknown> {
  const derived = typeof functions === 'function' ? null : functions.derived
  const resolve = typeof functions === 'function' ? functions : functions.resolve
  const onReject = (typeof functions === 'function' ? reject : functions.reject) as Reject
  try {
    const returned = cancel === null ? future.settle(resolve, onReject) : onReject(cancel)
    if (derived === null) return returned === undefined ? nothing : Promise.resolve(returned)
    derived.resolve(returned)
  } catch (error) {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the program may throw any value, and it is passed on unchanged
    if (derived === null) return Promise.reject(error)
    derived.reject(error)
  }
  return derived.promise
}

/**
 * The reaction of an `await` as a separate object. (A reaction is the object that the loop runs when a future has
 * ended; this one resumes the waiting code.) Three kinds of wait need a separate object: a wait of code outside of
 * every frame (the running body of a task or scope), the wait by which a native promise gets the outcome of a future,
 * and a further wait of a frame that has a wait already. The first wait of a frame uses the frame itself as its
 * reaction.
 */
export class Awaiter extends Derived implements Reaction {
  waitingFrame: Frame | null
  /**
   * The number of this wait. Later waits of the process have higher numbers, so `Cancellation` can tell which of two
   * waits is newer.
   */
  began = 0
  readonly #future: Future<unknown>
  #functions: Resolve | Chain | Promise<unknown>
  #reject: Reject | null

  constructor(
    frame: Frame | null,
    future: Future<unknown>,
    functions: Resolve | Chain,
    reject: Reject | null,
  ) {
    super()
    this.waitingFrame = frame
    this.#future = future
    this.#functions = functions
    this.#reject = reject
  }

  run(): void {
    const frame = this.waitingFrame
    const functions = this.#functions as Resolve | Chain
    if (frame === null) {
      this.#functions = passOn(this.#future, null, functions, this.#reject)
      return
    }
    const future = frame.endWait(this)
    const isWait = !frame.mustCancel || this.isWait()
    const cancel = isWait ? frame.resume(this, future) : null
    this.#functions = passOn(future, cancel, functions, this.#reject)
  }

  label(): string {
    return this.waitingFrame?.label() ?? 'resume'
  }

  protected promise(): Promise<unknown> {
    const functions = this.#functions
    if (functions instanceof Promise) return functions
    if (functions instanceof Chain) return functions.derived.promise
    const chain = new Chain(functions, this.#reject as Reject)
    this.#functions = chain
    return chain.derived.promise
  }

  /** Whether this is a real `await`. False if user code has called `then` with two functions without a name. */
  isWait(): boolean {
    return isResolver(this.#reject)
  }

  /**
   * Replaces the two functions of this `await`, and returns the first of the old ones. Returns null, and replaces
   * nothing, if this is not a real `await`.
   */
  replaceFunctions(resolve: Resolve, reject: Reject): Resolve | null {
    const old = this.#functions
    if (typeof old !== 'function' || !this.isWait()) return null
    this.#functions = resolve
    this.#reject = reject
    return old
  }

  /**
   * Makes this a plain callback: when the future ends, the function is still called, but outside of every frame and
   * task.
   */
  becomeCallback(): void {
    this.waitingFrame = null
  }
}

/**
 * For each future: the calls of its `then` that looked like an `await` but came from user code. `resolve` is the first
 * function that was passed to `then`, and `promise` is a promise of the value that the called function returns.
 * `OwnAwait` reads these entries.
 */
const returned = new WeakMap<
  Future<unknown>,
  { frame: Frame; resolve: Resolve; promise: PromiseLike<unknown> }[]
>()

/**
 * The object that `then` returns for a wait that the frame itself resumes, without an Awaiter. The frame holds the two
 * functions but no reference to this object. That saves memory, because nearly every waiting task has such a wait. If
 * user code has passed functions that return a value, `write` stores a promise of that value, and this object finds it.
 */
export class OwnAwait extends Derived {
  readonly #frame: Frame
  readonly #future: Future<unknown>
  #resolve: Resolve | Promise<unknown>

  constructor(frame: Frame, future: Future<unknown>, resolve: Resolve) {
    super()
    this.#frame = frame
    this.#future = future
    this.#resolve = resolve
  }

  protected promise(): Promise<unknown> {
    const resolve = this.#resolve
    if (typeof resolve !== 'function') return resolve
    const promise = this.#frame.chain(this.#future, resolve) ?? this.#returned(resolve)
    this.#resolve = promise
    return promise
  }

  /**
   * Waits one microtask, and then returns the promise that `write` has stored. The wait is needed if `resolve` itself
   * uses this object, because `write` is called only after `resolve` has returned.
   */
  async #returned(resolve: Resolve): Promise<unknown> {
    await nothing
    const entries = returned.get(this.#future)
    return entries?.find((entry) => entry.frame === this.#frame && entry.resolve === resolve)
      ?.promise
  }

  /**
   * Stores `promise`, a promise of the value that the called function returns. An OwnAwait with the same frame, future
   * and `resolve` finds this promise later, and passes the value to code that uses the result of `then`.
   */
  static write(
    frame: Frame,
    future: Future<unknown>,
    resolve: Resolve,
    promise: PromiseLike<unknown>,
  ): void {
    const entry = { frame, resolve, promise }
    const entries = returned.get(future)
    if (entries === undefined) returned.set(future, [entry])
    else entries.push(entry)
  }
}
