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
  abstract readonly task: Task | null

  override label(): string {
    return this.task === null ? 'resume' : `resume ${this.task.name}`
  }
}
