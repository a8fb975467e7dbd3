import { isResolver } from './recognize-await.ts'
import type { CancelledError } from '../errors/errors.ts'
import type { Future } from './future.ts'
import type { Reaction } from './reaction.ts'
import type { Frame } from '../tasks/frame.ts'

/** The types of the two functions that a caller passes to `then`. */
export type Resolve = (value: unknown) => unknown
export type Reject = (error: unknown) => unknown

/**
 * The object that `then` of a pending future returns to a caller that looks like an `await`. An `await` ignores this
 * object. User code that calls `then` with two functions without a name looks like an `await` too, because an exact
 * check would take 50 ns at every `await`. For such code, the returned object works like the promise that `then` of a
 * native promise returns.
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
 * The two functions that code has passed to `then` of a future, and `derived`, the promise that `then` of a native
 * promise would have returned. At first a wait stores only the two functions, because most waits never need the
 * promise. When code uses the object that `then` has returned, the wait stores a Chain in place of the functions.
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
 * A promise of undefined. It stands for the result of `then` each time a function that was passed to `then` has
 * returned undefined, as `resolve` and `reject` of a native promise do. So an `await` makes no promise of its own for
 * that result.
 */
export const nothing: Promise<unknown> = Promise.resolve(undefined)

/**
 * Calls one of the two functions that were passed to `then` of `future`, with the outcome of `future`. `functions` is
 * the first function and `reject` is the second; or `functions` is a Chain, an object that holds both. If `cancel` is
 * not null, calls the second function with `cancel` and ignores the outcome: usually the task was cancelled after the
 * future had ended, and the cancel wins, as in CPython. Returns a promise of the value that the called function has
 * returned.
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
 * ended. The reaction of an `await` resumes the waiting code.) Usually the first wait of a frame (the object for one
 * scope or task) uses the frame itself as its reaction. Each other wait needs a separate object, for example a further
 * wait of that frame, a wait of code outside of every frame, or the wait by which a native promise gets the outcome of a
 * future.
 */
export class Awaiter extends Derived implements Reaction {
  waitingFrame: Frame | null
  /**
   * The number of this wait, if it belongs to a frame. Each new wait of the thread gets a higher number, so the code that
   * delivers a cancel can tell which of two waits is newer.
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
    const isWait = !frame.mustCancelAt(this) || this.isWait()
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

  /**
   * Whether this Awaiter was made for a real `await`. False if it was made for user code that has called `then` with
   * two functions without a name.
   */
  isWait(): boolean {
    return isResolver(this.#reject)
  }

  /**
   * Replaces the two functions that the engine has passed to `then` for an `await`, and returns the old resolving
   * function. When the future ends, `resolve` or `reject` is called in place of the old functions. So the caller must
   * settle the `await` itself: it calls the returned function with a promise or thenable of the outcome. Replaces
   * nothing and returns null if user code and not an `await` has called `then`.
   */
  replaceFunctions(resolve: Resolve, reject: Reject): Resolve | null {
    const old = this.#functions
    if (typeof old !== 'function' || !this.isWait()) return null
    this.#functions = resolve
    this.#reject = reject
    return old
  }

  /**
   * Called when it turns out that user code has called `then`, and not an `await`. Makes this wait a plain callback:
   * when the future has ended, a function that was passed to `then` is still called, but no task or scope counts as
   * waiting.
   */
  becomeCallback(): void {
    this.waitingFrame = null
  }
}

/**
 * For each future: calls of its `then` that looked like an `await` but came from user code. `frame` is the object for
 * the task or scope whose code made the call, `resolve` is the first function that was passed to `then`, and `promise`
 * is a promise of the value that the called function returns. `OwnAwait` reads these entries.
 */
const returned = new WeakMap<
  Future<unknown>,
  { frame: Frame; resolve: Resolve; promise: PromiseLike<unknown> }[]
>()

/**
 * The object that `then` of a pending future returns for the first wait of a frame (the object for one scope or task).
 * The frame itself stores the two functions that were passed to `then`. No other object refers to the OwnAwait, so it
 * is soon garbage-collected, which saves memory in nearly every waiting task. If user code, and not an `await`, has
 * called `then`, that code may wait on the OwnAwait for the value that its function returns. When the function has
 * returned a value, `OwnAwait.write` stores a promise of it in `returned`, where the OwnAwait finds it.
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
   * Returns a promise with the outcome of the promise that `write` stores for this OwnAwait. User code has passed a
   * function to `then` of the future, and `write` is called when this function has returned. Before that, the function
   * may itself call `then` of the OwnAwait. So this method looks for the stored promise one microtask later.
   */
  async #returned(resolve: Resolve): Promise<unknown> {
    await nothing
    const entries = returned.get(this.#future)
    return entries?.find((entry) => entry.frame === this.#frame && entry.resolve === resolve)
      ?.promise
  }

  /**
   * User code may call `future.then(resolve, reject)` with functions of its own, and use what `then` returns: an
   * OwnAwait. This method is called when one of the two functions has returned a value or has thrown, or earlier if an
   * Awaiter takes the two functions over. It stores `promise`, a promise of that value, for the OwnAwait. An OwnAwait is
   * made for each wait, so it has no field for this rare case: it looks the promise up by `frame` (the object for the
   * task or scope that called `then`), `future` and `resolve`.
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
