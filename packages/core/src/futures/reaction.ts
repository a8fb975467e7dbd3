import { captureAsyncContext, runInAsyncContext, type Scope } from '../context/async-context.ts'
import type { Context } from '../context/context-vars.ts'
import type { Future } from './future.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Runnable } from '../loop/ready-queue.ts'
import type { Frame } from '../tasks/frame.ts'

/** What happens when a future ends: an entry of the future's list, and after that of the ready queue. */
export interface Reaction extends Runnable {
  /** @internal the frame whose wait this is; null for callbacks, and for plain code that waits */
  readonly waitingFrame: Frame | null
  /** @internal */
  label(): string
}

/** A callback of this package, which runs in no task and reads no context. */
export class InternalCallback<T> implements Reaction {
  readonly #future: Future<T>
  readonly #callback: (future: Future<T>) => void

  constructor(future: Future<T>, callback: (future: Future<T>) => void) {
    this.#future = future
    this.#callback = callback
  }

  get waitingFrame(): null {
    return null
  }

  run(): void {
    this.#callback(this.#future)
  }

  label(): string {
    return 'callback'
  }
}

/** A user's callback, run in the context given, and in the asynchronous context it was added in. */
export class DoneCallback implements Reaction, Scope {
  readonly waitingFrame: Frame | null = null
  readonly frame: Frame
  readonly scopeLoop: EventLoop
  readonly callback: (future: never) => void
  readonly #future: Future<unknown>
  readonly #context: Context
  readonly #asyncContext = captureAsyncContext(this)

  constructor(future: Future<unknown>, callback: (future: never) => void, context: Context) {
    this.#future = future
    this.scopeLoop = future.getLoop()
    this.frame = this.scopeLoop.rootFrame
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

  label(): string {
    return 'callback'
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
