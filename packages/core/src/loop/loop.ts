import { checkDelay, checkOptions, describe } from '../arguments.ts'
import type { AsyncResource } from 'node:async_hooks'
import { makeAsyncContext } from '../context/async-context.ts'
import { type Clock, isClock, SystemClock } from './clock.ts'
import { type Context, contextOf, rootContext } from '../context/context-vars.ts'
import { type Awaitable, type Coroutine, type CoroutineFunction } from '../tasks/coroutine.ts'
import { checkLoop, currentFrame, getEventLoop, installLoopClass } from '../context/current.ts'
import { DebugMonitor } from './debug-monitor.ts'
import { checkAwaitable, ensureFuture } from '../tasks/ensure-future.ts'
import { RuntimeError } from '../errors/errors.ts'
import {
  checkExceptionHandler,
  type ExceptionContext,
  type ExceptionHandler,
  printException,
  reportException,
} from './exception-handler.ts'
import { Future } from '../futures/future.ts'
import { Handle, TimerHandle } from './handle.ts'
import { noteLoop } from './live-loops.ts'
import { LiveTasks } from './live-tasks.ts'
import type { Schedule } from './ready-queue.ts'
import { Scheduler } from './scheduler.ts'
import { SignalHandlers } from './signal-handlers.ts'
import { unwatchRejections } from './unhandled-rejections.ts'
import { type Frame, LoopFrame } from '../tasks/frame.ts'
import { createTask, type Task, type TaskOptions } from '../tasks/task.ts'
import { Failures } from '../futures/unretrieved.ts'

/**
 * Runs tasks and callbacks in microtasks, in the order in which they became ready. Every few milliseconds the loop lets
 * the runtime handle timers and I/O.
 *
 * @example
 *     const loop = getEventLoop()
 *     loop.setExceptionHandler((_loop, { message, exception }) => console.error(message, exception))
 *     const tick = loop.callLater(5, () => console.log('tick')) // tick
 *     await sleep(20)
 *     console.log(tick.when() <= loop.time()) // true
 *
 * Source: asyncio's event loop. Differs: a loop runs its callbacks and tasks from the moment it is made, so code
 * outside of every task can use the loop without a call of `run`. `runForever` and `runUntilComplete` do not start the
 * loop; they only wait.
 */
export class EventLoop extends Scheduler {
  /**
   * Debug mode reports each callback that takes longer than this many milliseconds, and each task that runs for longer
   * without a wait.
   */
  slowCallbackDuration = 100
  /**
   * @internal The futures of this loop that have failed and whose exception no code has read. Such a failure is
   * reported when the future is garbage-collected, or at the end of `run`.
   */
  readonly failures: Failures = new Failures(this)
  /**
   * @internal The outermost frame of this loop. A frame is an object that lists the waits of some code, so that a
   * cancel can end these waits. This frame is for code outside of every task: the callbacks of the loop, and code in
   * `detached`.
   */
  readonly rootFrame: LoopFrame = new LoopFrame(this, rootContext)
  /** @internal The tasks of this loop that are not done. */
  readonly tasks: LiveTasks = new LiveTasks()
  /**
   * @internal Whether a `run` on this loop is at its end: it has ended all tasks, and now cancels the waits that are
   * left and calls the shutdown hooks. While `isEnding` is true, the CancelledError of an async function that was called
   * without `await` is not reported.
   */
  isEnding = false
  /**
   * @internal The frames of tasks that have ended, although async functions that these tasks have called still wait. (A
   * frame is the object for one scope or task, and lists the waits of its code.) At its end, `run` cancels these waits.
   * The tasks of a group are not in this set: the frame of the group lists their frames.
   */
  readonly leftBehind: Set<Frame> = new Set<Frame>()
  /**
   * The asynchronous context (the values of every AsyncLocalStorage) in which this loop runs the entries of its ready
   * queue. An entry that resumes a task, or calls a user's callback, then sets the values of that task or callback.
   * Without this context, the other entries would see the values of the code that woke the loop.
   */
  protected readonly outside: AsyncResource = makeAsyncContext(this.rootFrame)
  #exceptionHandler: ExceptionHandler | null = null
  #closed = false
  #running: Future<void> | null = null
  /** @internal The functions that were passed to `addShutdownHook`, in the order of the calls. */
  readonly shutdownHooks: Set<() => PromiseLike<void>> = new Set<() => PromiseLike<void>>()
  readonly #signalHandlers = new SignalHandlers()

  /** @internal use newEventLoop */
  constructor(options?: { clock?: Clock; schedule?: Schedule }) {
    super(options)
    noteLoop(this)
  }

  /** Returns the time of this loop's clock in milliseconds. The time never goes back. */
  time(): number {
    return this.clock.now()
  }

  /**
   * Calls `cb` soon, but never before `callSoon` has returned. The callback runs in `context`, by default a copy of the
   * current context.
   *
   * @throws {RuntimeError} when the loop is closed
   */
  callSoon(cb: () => void, options?: { context?: Context }): Handle {
    this.#assertCallback(cb)
    const handle = new Handle(this, cb, contextOf(options))
    this.push(handle)
    return handle
  }

  /**
   * Calls `cb` after `delay` milliseconds. A negative delay counts as 0, and after Infinity `cb` is never called.
   * @throws {TypeError} for NaN
   */
  callLater(delay: number, cb: () => void, options?: { context?: Context }): TimerHandle {
    return this.callAt(this.time() + checkDelay(delay), cb, options)
  }

  /** Calls `cb` when `time()` has reached `when`. @throws {TypeError} for NaN */
  callAt(when: number, cb: () => void, options?: { context?: Context }): TimerHandle {
    this.#assertCallback(cb)
    if (typeof when !== 'number' || Number.isNaN(when)) {
      throw new TypeError(`the time must be a number of milliseconds, got ${describe(when)}`)
    }
    const handle = new TimerHandle(this, cb, contextOf(options), when)
    this.addTimer(handle, when)
    return handle
  }

  /** @internal */
  get timeline(): object {
    const { clock } = this
    return clock instanceof SystemClock ? clock.platform : clock
  }

  createFuture<T>(): Future<T> {
    return new Future<T>({ loop: this })
  }

  createTask<T>(
    coro: CoroutineFunction<[], T> | Coroutine<T>,
    options?: Omit<TaskOptions, 'loop'>,
  ): Task<T> {
    checkOptions(options)
    return createTask(coro, { ...options, loop: this })
  }

  /**
   * Waits until `awaitable` has ended; the loop runs all its tasks in the meantime. Returns a promise with the outcome
   * of `awaitable`.
   *
   * @throws {TypeError} at the call, when `awaitable` cannot be awaited
   * @throws {RuntimeError} when the loop is running or closed, or is stopped before `awaitable` has ended
   */
  runUntilComplete<T>(awaitable: Awaitable<T>): Promise<T> {
    checkAwaitable(awaitable)
    return this.runToEnd(awaitable, () => true)
  }

  /**
   * @internal Waits for `awaitable`, as `runUntilComplete` does. But a call of `stop` ends this wait only if `canStop`
   * then returns true.
   */
  async runToEnd<T>(awaitable: Awaitable<T>, canStop: () => boolean): Promise<T> {
    this.assertRunnable()
    const future = ensureFuture(awaitable, { loop: this })
    const stopped = this.#begin(() => future.done() || canStop())
    const reaction = future.onDone(() => this.stop())
    await stopped
    future.removeReaction(reaction)
    if (!future.done())
      throw new RuntimeError('the event loop was stopped before the future was done')
    return future.result()
  }

  /**
   * Waits until `stop()` is called; the loop runs all its tasks in the meantime. @throws {RuntimeError} when the loop
   * is running or closed
   */
  async runForever(): Promise<void> {
    this.assertRunnable()
    await this.#begin(() => true)
  }

  /** Waits until `stop` is called and `isOver` then returns true. */
  async #begin(isOver: () => boolean): Promise<void> {
    do {
      this.#running = new Future<void>({ loop: this })
      await this.#running
    } while (!isOver())
    this.#running = null
  }

  /**
   * Makes `runForever` or `runUntilComplete` return, after the tasks and callbacks that are ready at the call of `stop`
   * have run.
   */
  stop(): void {
    if (this.#running?.done() === false) this.#running.setResult()
  }

  isRunning(): boolean {
    return this.#running !== null
  }

  /**
   * Closes the loop: removes all timers, and all callbacks that were about to be called. A closed loop refuses new
   * tasks and callbacks. A second call does nothing.
   *
   * @throws {RuntimeError} when the loop is running
   */
  close(): void {
    if (this.isRunning()) throw new RuntimeError('cannot close a running event loop')
    this.#closed = true
    this.clear()
    this.#signalHandlers.clear()
    this.shutdownHooks.clear()
    unwatchRejections(this)
  }

  isClosed(): boolean {
    return this.#closed
  }

  /** Sets the handler for exceptions that no code catches; null restores the default handler. */
  setExceptionHandler(handler: ExceptionHandler | null): void {
    checkExceptionHandler(handler)
    this.#exceptionHandler = handler
  }

  getExceptionHandler(): ExceptionHandler | null {
    return this.#exceptionHandler
  }

  /**
   * Calls the exception handler of this loop with `context`, which describes an exception that no code can catch. If
   * the handler throws, the default handler reports the new error and `context`.
   */
  callExceptionHandler(context: ExceptionContext): void {
    reportException(this, this.#exceptionHandler, context)
  }

  /**
   * Prints the message in `context`, and the name of the task and the exception if `context` has them, in one call of
   * `console.error`.
   */
  defaultExceptionHandler(context: ExceptionContext): void {
    printException(context)
  }

  /**
   * Turns debug mode on or off. Debug mode reports callbacks and tasks that run too long without a wait, cancels that
   * are delayed because a task awaits a foreign promise (a promise that this library did not make), cancels that a task
   * swallows (the task catches the CancelledError and does not throw it again), calls of async functions that are never
   * awaited, and calls that still wait when their task or scope has ended.
   */
  setDebug(on: boolean): void {
    this.monitor = on ? new DebugMonitor(this) : null
  }

  getDebug(): boolean {
    return this.monitor !== null
  }

  /**
   * From now on, the loop calls `cb` each time the process gets `signal`. `cb` replaces an earlier handler of this loop
   * for the same signal.
   *
   * @throws {TypeError} when `signal` is not the name of a signal
   */
  addSignalHandler(signal: NodeJS.Signals, cb: () => void): void {
    this.#assertCallback(cb)
    this.#signalHandlers.add(signal, () => this.callSoon(cb))
  }

  /** Removes the handler of `signal`. Returns false if this loop had no handler of `signal`. */
  removeSignalHandler(signal: NodeJS.Signals): boolean {
    return this.#signalHandlers.remove(signal)
  }

  /**
   * Registers the function `hook`: `run` calls it once, at the end, when all tasks have ended, and awaits its promise.
   * Returns a function that removes the hook.
   */
  addShutdownHook(hook: () => PromiseLike<void>): () => void {
    if (typeof hook !== 'function') {
      throw new TypeError(`a shutdown hook must be a function, got ${describe(hook)}`)
    }
    this.shutdownHooks.add(hook)
    return () => {
      this.shutdownHooks.delete(hook)
    }
  }

  /** @internal */
  assertOpen(): void {
    if (this.#closed) throw new RuntimeError('the event loop is closed')
  }

  #assertCallback(cb: unknown): void {
    this.assertOpen()
    if (typeof cb !== 'function')
      throw new TypeError(`a callback must be a function, got ${describe(cb)}`)
  }

  /** @internal @throws {RuntimeError} when this loop is closed or running, and inside a task or callback of any loop */
  assertRunnable(): void {
    this.assertOpen()
    if (this.isRunning()) throw new RuntimeError('this event loop is already running')
    if (currentFrame() !== null) {
      throw new RuntimeError(
        'cannot run an event loop from inside a task or callback: await instead',
      )
    }
  }

  protected override isStopped(): boolean {
    return this.#closed
  }

  protected override reportCallback(exception: unknown): void {
    this.callExceptionHandler({ message: 'Exception in a callback of the loop', exception })
  }

  /** @internal Calls `fn` outside of every task and scope of this loop. Returns the result of `fn`. */
  runDetached<T>(fn: () => T): T {
    return this.outside.runInAsyncScope(fn)
  }
}

installLoopClass(EventLoop)

/**
 * Returns an object that stands for the clock of `loop`. If two loops have the same object, the values of their
 * `time()` can be compared. All loops on the system's clock have the same object, and each virtual clock has an object
 * of its own.
 */
export function timelineOf(loop: EventLoop): object {
  return loop.timeline
}

/**
 * Makes a new loop. The loop uses the system's clock unless `options.clock` is given.
 *
 * @example
 *     const loop = newEventLoop()
 *     console.log(await loop.runUntilComplete(async () => 'done')) // done
 *     loop.close()
 *
 * Source: asyncio.new_event_loop
 */
export function newEventLoop(options?: { clock?: Clock }): EventLoop {
  checkOptions(options)
  const clock: unknown = options?.clock
  if (clock !== undefined && !isClock(clock)) {
    throw new TypeError(`the option clock must be a Clock, got ${describe(clock)}`)
  }
  return new EventLoop(options)
}

/**
 * Returns the tasks of `loop` that are not done. Without an argument, returns the tasks of the current loop.
 *
 * @example
 *     const task = createTask(() => sleepForever(), { name: 'poller' })
 *     console.log([...allTasks()].map(({ name }) => name).includes('poller')) // true
 *     task.cancel()
 *
 * Source: asyncio.all_tasks
 */
export function allTasks(loop: EventLoop = getEventLoop()): Set<Task> {
  checkLoop(loop)
  return new Set(loop.tasks.list())
}
