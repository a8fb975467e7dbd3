import { captureAsyncContext, runInAsyncContext, type Scope } from './async-context.ts'
import type { Context } from './context.ts'
import type { Future } from './future.ts'
import type { EventLoop } from './loop.ts'
import type { Runnable } from './ready-queue.ts'
import type { Task } from './task.ts'

/** What happens when a future ends: an entry of the future's list, and after that of the ready queue. */
export abstract class Reaction implements Runnable {
  /** @internal runs in a turn of its own after the future has ended */
  abstract run(): void
  /** @internal */
  label(): string {
    return 'callback'
  }
}

/** A callback of this package, which runs in no task and reads no context. */
export class InternalCallback<T> extends Reaction {
  readonly #future: Future<T>
  readonly #callback: (future: Future<T>) => void

  constructor(future: Future<T>, callback: (future: Future<T>) => void) {
    super()
    this.#future = future
    this.#callback = callback
  }

  run(): void {
    this.#callback(this.#future)
  }
}

/** A user's callback, run in the context given, and in the asynchronous context it was added in. */
export class DoneCallback extends Reaction implements Scope {
  readonly scopeTask: Task | null = null
  readonly scopeLoop: EventLoop
  readonly callback: (future: never) => void
  readonly #future: Future<unknown>
  readonly #context: Context
  readonly #asyncContext = captureAsyncContext(this)

  constructor(future: Future<unknown>, callback: (future: never) => void, context: Context) {
    super()
    this.#future = future
    this.scopeLoop = future.getLoop()
    this.callback = callback
    this.#context = context
  }

  scopeContext(): Context {
    return this.#context
  }

  run(): void {
    // oxlint-disable-next-line typescript/unbound-method -- `this` is the second argument
    runInAsyncContext(this.#asyncContext, this, this.#call)
  }

  #call(): void {
    const callback = this.callback as (future: Future<unknown>) => unknown
    try {
      callback(this.#future)
    } catch (exception) {
      this.scopeLoop.callExceptionHandler({
        message: `Exception in a done callback${callback.name === '' ? '' : ` (${callback.name})`}`,
        exception,
        future: this.#future,
      })
    }
  }
}

/** A task that waits for a future, or plain code that does: an `await`, or the `yield*` of a generator coroutine. */
export abstract class Wait extends Reaction {
  /** @internal */
  abstract readonly future: Future<unknown>
  /** @internal */
  abstract readonly task: Task | null

  override label(): string {
    return this.task === null ? 'resume' : `resume ${this.task.name}`
  }
}

/**
 * An `await` of a future: the two functions of the native promise that the engine made for it, and the
 * task that waits.
 *
 * The engine drops what `then` returns. Someone else may have passed two nameless functions of his own,
 * which cannot be told from the engine's without a cost that every await would bear; for him it is
 * the promise of what they return.
 */
export class Awaiter extends Wait {
  readonly future: Future<unknown>
  readonly task: Task | null
  readonly #resolve: (value: never) => unknown
  readonly #reject: (error: unknown) => unknown
  #derived: PromiseWithResolvers<unknown> | Promise<unknown> | null = null

  constructor(
    future: Future<unknown>,
    task: Task | null,
    resolve: (value: never) => unknown,
    reject: (error: unknown) => unknown,
  ) {
    super()
    this.future = future
    this.task = task
    this.#resolve = resolve
    this.#reject = reject
  }

  run(): void {
    const cancel = this.task === null ? null : this.task.resume(this)
    try {
      // A cancel that came after the future had ended wins over its result, as in CPython.
      const returned =
        cancel === null
          ? this.future.settle(this.#resolve as (value: unknown) => unknown, this.#reject)
          : this.#reject(cancel)
      if (this.#derived !== null && 'resolve' in this.#derived) this.#derived.resolve(returned)
      else if (returned !== undefined) this.#derived = Promise.resolve(returned)
      else this.#derived = nothing
    } catch (error) {
      if (this.#derived !== null && 'reject' in this.#derived) this.#derived.reject(error)
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever was thrown
      else this.#derived = Promise.reject(error)
    }
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
    if (awaiter.#derived === null) awaiter.#derived = Promise.withResolvers()
    return awaiter.#derived instanceof Promise ? awaiter.#derived : awaiter.#derived.promise
  }
}

const nothing = Promise.resolve(undefined)
