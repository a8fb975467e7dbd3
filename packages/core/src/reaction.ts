import { captureAsyncContext, enterScope, type Scope } from './current.ts'
import type { Context } from './context.ts'
import type { Future } from './future.ts'
import type { EventLoop } from './loop.ts'
import type { Runnable } from './ready-queue.ts'
import type { Task } from './task.ts'

/**
 * What happens when a future ends: an entry of the future's list, and after that of the ready queue.
 * The list is a ring through `next` and `previous`, so that one can be taken out at once.
 */
export abstract class Reaction implements Runnable {
  /** @internal */
  next: Reaction = this
  /** @internal */
  previous: Reaction = this
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
  readonly #resource = captureAsyncContext()

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
    this.#resource.runInAsyncScope(this.#call, this)
  }

  #call(): void {
    enterScope(this)
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

/**
 * An `await` of a future: the two functions of the native promise that the engine made for it, and the
 * task that waits. It is also an entry in the task's list of what it waits on.
 */
export class Awaiter extends Reaction {
  readonly future: Future<unknown>
  readonly task: Task | null
  /** @internal the task's list */
  nextWait: Awaiter | null = null
  /** @internal */
  previousWait: Awaiter | null = null
  readonly #resolve: (value: never) => unknown
  readonly #reject: (error: unknown) => unknown

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

  override label(): string {
    return this.task === null ? 'resume' : `resume ${this.task.name}`
  }

  run(): void {
    if (this.task !== null) {
      const cancel = this.task.resume(this)
      if (cancel !== null) {
        // A cancel that came after the future had ended wins over its result, as in CPython.
        this.#reject(cancel)
        return
      }
    }
    this.future.settle(this.#resolve as (value: unknown) => unknown, this.#reject)
  }
}
