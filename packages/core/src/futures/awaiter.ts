import { isResolver } from './await-detection.ts'
import type { CancelledError } from '../errors/errors.ts'
import type { Future } from './future.ts'
import type { Reaction } from './reaction.ts'
import type { Frame } from '../tasks/frame.ts'

/** The two functions that were passed to `then`. */
export type Resolve = (value: unknown) => unknown
export type Reject = (error: unknown) => unknown

/**
 * What `then` returns. An `await` drops it. User code may have passed two nameless functions of its own, and telling them
 * from the engine's functions would make every await slower. For such code it is the promise of what those functions
 * return.
 */
abstract class Derived implements PromiseLike<unknown> {
  /** @internal */
  protected abstract promise(): Promise<unknown>

  // oxlint-disable-next-line unicorn/no-thenable -- it stands for the promise that `then` returns
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

/** Stands in for the two functions once somebody has chained on them. */
export class Chain {
  readonly resolve: Resolve
  readonly reject: Reject
  readonly derived: PromiseWithResolvers<unknown> = Promise.withResolvers()

  constructor(resolve: Resolve, reject: Reject) {
    this.resolve = resolve
    this.reject = reject
  }
}

/** What a promise's own functions return, as a promise. */
export const nothing: Promise<unknown> = Promise.resolve(undefined)

/**
 * Passes the outcome of `future` on. A cancel that came after it had ended wins over it, as in CPython.
 * Returns the promise of what the function has returned.
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
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever was thrown
    if (derived === null) return Promise.reject(error)
    derived.reject(error)
  }
  return derived.promise
}

/** An `await` of a future by itself: in plain code, or of a native promise of it, or one of several in a task. */
export class Awaiter extends Derived implements Reaction {
  waitingFrame: Frame | null
  /** The number of the wait. */
  began = 0
  readonly #future: Future<unknown>
  #functions: Resolve | Chain | Promise<unknown>
  readonly #reject: Reject | null

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

  /** Whether a task waits by it, and has not passed functions of its own. */
  isWait(): boolean {
    return isResolver(this.#reject)
  }

  /** The task has no part in it from now on. */
  letGo(): void {
    this.waitingFrame = null
  }
}

/** What functions have returned that user code passed to `then`, by the future. */
const returned = new WeakMap<
  Future<unknown>,
  { frame: Frame; resolve: Resolve; promise: PromiseLike<unknown> }[]
>()

/**
 * The `await` of a task that waits for nothing else. The task holds the two functions, and nothing holds this: there
 * are as many of them as parked tasks. What the functions return is written down where it cannot come from the engine's.
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

  /** Looked up later: this may be called by the function that is about to return. */
  async #returned(resolve: Resolve): Promise<unknown> {
    await nothing
    const entries = returned.get(this.#future)
    return entries?.find((entry) => entry.frame === this.#frame && entry.resolve === resolve)
      ?.promise
  }

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
