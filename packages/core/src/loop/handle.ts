import {
  captureAsyncContext,
  runInAsyncContext,
  type Environment,
} from '../context/async-context.ts'
import type { Context } from '../context/context-vars.ts'
import { machineTime } from './clock.ts'
import type { EventLoop } from './loop.ts'
import type { Runnable } from './ready-queue.ts'
import type { Frame } from '../tasks/frame.ts'
import type { TimerEntry } from './timer-heap.ts'

/**
 * Stands for a callback that the loop will call once. `cancel()` prevents the call.
 *
 * @example
 *     let calls = 0
 *     const handle = getRunningLoop().callSoon(() => calls++)
 *     handle.cancel()
 *     await sleep(1)
 *     console.log(calls) // 0
 *
 * Source: asyncio.Handle
 */
export class Handle implements Runnable, Environment {
  /** @internal */
  readonly frame: Frame
  /** @internal */
  readonly loop: EventLoop
  readonly #context: Context
  readonly #asyncContext = captureAsyncContext(this)
  #callback: (() => void) | null

  /** @internal */
  constructor(loop: EventLoop, callback: () => void, context: Context) {
    this.loop = loop
    this.frame = loop.rootFrame
    this.#callback = callback
    this.#context = context
  }

  /**
   * Prevents the call of the callback. If the callback has run already, `cancel()` only makes `cancelled()` return
   * true.
   */
  cancel(): void {
    this.#callback = null
  }

  cancelled(): boolean {
    return this.#callback === null
  }

  getContext(): Context {
    return this.#context
  }

  /** @internal */
  contextVars(): Context {
    return this.#context
  }

  /** @internal */
  run(): void {
    // oxlint-disable-next-line typescript/unbound-method -- the function is called with the second argument as its `this`
    if (this.#callback !== null) runInAsyncContext(this.#asyncContext, this, this.#call)
  }

  #call(): void {
    const callback = this.#callback as () => unknown
    const { monitor } = this.loop
    const start = monitor === null ? 0 : machineTime()
    try {
      callback()
      monitor?.callbackEnded(callback.name, start)
    } catch (exception) {
      this.loop.callExceptionHandler({
        message: `Exception in callback${callback.name === '' ? '' : ` ${callback.name}`}`,
        exception,
        handle: this,
      })
    }
  }
}

/**
 * Stands for a callback that the loop will call at a given time.
 *
 * @example
 *     const loop = getRunningLoop()
 *     const timer = loop.callLater(60_000, () => {})
 *     console.log(timer.when() > loop.time() + 59_000) // true
 *     timer.cancel()
 *
 * Source: asyncio.TimerHandle
 */
export class TimerHandle extends Handle implements TimerEntry {
  readonly #when: number
  /** @internal */
  heapIndex = -1
  /** @internal */
  heapOrder = 0

  /** @internal */
  constructor(loop: EventLoop, callback: () => void, context: Context, when: number) {
    super(loop, callback, context)
    this.#when = when
  }

  override cancel(): void {
    super.cancel()
    this.loop.removeTimer(this)
  }

  /** Returns the time at which the callback runs, in milliseconds of the loop's clock. */
  when(): number {
    return this.#when
  }
}
