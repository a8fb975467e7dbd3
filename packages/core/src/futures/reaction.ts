import {
  captureAsyncContext,
  runInAsyncContext,
  type Environment,
} from '../context/async-context.ts'
import type { Context } from '../context/context-vars.ts'
import type { Future } from './future.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Runnable } from '../loop/ready-queue.ts'
import type { Frame } from '../tasks/frame.ts'

/**
 * An object that the loop runs when a future has ended. While the future is pending, the reaction is in the list of the
 * future. When the future ends, the reaction is moved to the loop's ready queue (the list of the things that the loop
 * runs one after another), and the loop calls `run()` of the reaction.
 */
export interface Reaction extends Runnable {
  /**
   * @internal the frame (the object for one scope or task, or for the callbacks of a loop) whose code `run()` resumes
   * when the future has ended; null if `run()` calls a callback, or resumes code outside of every frame
   */
  readonly waitingFrame: Frame | null
  /** @internal */
  label(): string
}

/**
 * The object that the loop runs for `Future.onDone` when the future has ended. It calls a callback of library code, which
 * needs no current task and no context variables.
 */
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

/**
 * The object that the loop runs for `Future.addDoneCallback` when the future has ended. It calls a user's callback. The
 * callback sees the context variables of the context that was passed to `addDoneCallback`, and the AsyncLocalStorage
 * values of the code that called `addDoneCallback`.
 */
export class DoneCallback implements Reaction, Environment {
  readonly waitingFrame: Frame | null = null
  readonly frame: Frame
  readonly loop: EventLoop
  readonly callback: (future: never) => void
  readonly #future: Future<unknown>
  readonly #context: Context
  readonly #asyncContext = captureAsyncContext(this)

  constructor(future: Future<unknown>, callback: (future: never) => void, context: Context) {
    this.#future = future
    this.loop = future.getLoop()
    this.frame = this.loop.rootFrame
    this.callback = callback
    this.#context = context
  }

  contextVars(): Context {
    return this.#context
  }

  run(): void {
    // oxlint-disable-next-line typescript/unbound-method -- the function is called with the second argument as its `this`
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
      this.loop.callExceptionHandler({
        message: `Exception in a done callback${callback.name === '' ? '' : ` (${callback.name})`}`,
        exception,
        future: this.#future,
      })
    }
  }
}
