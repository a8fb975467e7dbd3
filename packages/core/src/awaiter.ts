import type { CancelledError } from './errors.ts'
import type { Future } from './future.ts'
import { Wait } from './reaction.ts'
import type { Task } from './task.ts'

type Fulfilled = (value: never) => unknown
type Rejected = (error: unknown) => unknown

/**
 * An `await` of a future: the two functions of the native promise that the engine made for it.
 *
 * The engine drops what `then` returns. Someone else may have passed two nameless functions of his own,
 * which cannot be told from the engine's without a cost that every await would bear; for him it is
 * the promise of what they return.
 *
 * There is one for each parked task, so it has no field that can be spared: who waits in a task finds its future
 * there, and what it stands for takes the place of the functions.
 */
abstract class Awaiter extends Wait {
  /** With the functions of whoever chains on it while it waits; when they have been called, the promise it stands for. */
  #resolve: Fulfilled | Chain | Promise<unknown>
  #reject: Rejected | null

  constructor(resolve: Fulfilled, reject: Rejected) {
    super()
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Passes the outcome of `future` on. A cancel that came after it had ended wins over it, as in CPython. */
  protected settle(future: Future<unknown>, cancel: CancelledError | null): void {
    const waiting = this.#resolve as Fulfilled | Chain
    const chain = typeof waiting === 'function' ? null : waiting
    const resolve = (typeof waiting === 'function' ? waiting : waiting.resolve) as Rejected
    const reject = (chain === null ? this.#reject : chain.reject) as Rejected
    this.#reject = null
    let promise: Promise<unknown> = nothing
    try {
      const returned = cancel === null ? future.settle(resolve, reject) : reject(cancel)
      if (chain !== null) chain.derived.resolve(returned)
      else if (returned !== undefined) promise = Promise.resolve(returned)
    } catch (error) {
      if (chain !== null) chain.derived.reject(error)
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever was thrown
      else promise = Promise.reject(error)
    }
    this.#resolve = chain === null ? promise : chain.derived.promise
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it stands for the promise that `then` returns
  then<R, E>(
    onFulfilled?: ((value: unknown) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<unknown> {
    return Awaiter.#promise(this).then(onFulfilled, onRejected)
  }

  catch<E>(onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<unknown> {
    return Awaiter.#promise(this).catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<unknown> {
    return Awaiter.#promise(this).finally(onFinally)
  }

  static #promise(awaiter: Awaiter): Promise<unknown> {
    const waiting = awaiter.#resolve
    if (waiting instanceof Promise) return waiting
    if (waiting instanceof Chain) return waiting.derived.promise
    const chain = new Chain(waiting, awaiter.#reject as Rejected)
    awaiter.#resolve = chain
    awaiter.#reject = null
    return chain.derived.promise
  }
}

/** What an awaiter stands for, asked for before its functions have been called. */
class Chain {
  readonly resolve: Fulfilled
  readonly reject: Rejected
  readonly derived: PromiseWithResolvers<unknown> = Promise.withResolvers()

  constructor(resolve: Fulfilled, reject: Rejected) {
    this.resolve = resolve
    this.reject = reject
  }
}

/** What a promise's functions return, as a promise. */
export const nothing: Promise<unknown> = Promise.resolve(undefined)

/** An `await` in a task. */
export class TaskAwaiter extends Awaiter {
  readonly task: Task

  constructor(task: Task, resolve: Fulfilled, reject: Rejected) {
    super(resolve, reject)
    this.task = task
  }

  run(): void {
    const future = this.task.endWait(this)
    this.settle(future, this.task.resume(future))
  }
}

/** An `await` in plain code, or a native promise of a future. */
export class PlainAwaiter extends Awaiter {
  readonly task = null
  readonly #future: Future<unknown>

  constructor(future: Future<unknown>, resolve: Fulfilled, reject: Rejected) {
    super(resolve, reject)
    this.#future = future
  }

  run(): void {
    this.settle(this.#future, null)
  }
}
