import { checkFlag, checkOptions, describe } from '../arguments.ts'
import { checkRuntime } from '../check-runtime.ts'
import { type Context, copyContext } from '../context/context-vars.ts'
import {
  type Awaitable,
  type Coroutine,
  type CoroutineFunction,
  isCoroutine,
} from '../tasks/coroutine.ts'
import { currentFrame } from '../context/current.ts'
import { DeadlockError, RuntimeError } from '../errors/errors.ts'
import { cancelOnAbort } from '../futures/on-abort.ts'
import { awaitCancelled } from '../combine/cancel-tasks.ts'
import { Future } from '../futures/future.ts'
import { EventLoop } from '../loop/loop.ts'
import { watchForDeadlock } from './before-exit.ts'
import { interruptOnSignals } from './interrupt-signals.ts'
import { Cleanup, MainTask } from './main-task.ts'
import type { Runnable } from '../loop/ready-queue.ts'
import type { Cancellation } from '../tasks/cancellation.ts'
import { CLOSING, OPEN } from '../tasks/frame-state.ts'
import { hasWaits } from '../tasks/frame-end.ts'
import type { Frame } from '../tasks/frame.ts'
import { framesOf } from '../tasks/frame-tree.ts'
import { cancelFrame } from '../tasks/propagate-cancel.ts'
import { createTask, type Task } from '../tasks/task.ts'
import { unwatchRejections, watchRejections } from '../loop/unhandled-rejections.ts'

/**
 * When a run ends, its tasks are cancelled. The clean-up of these tasks may create new tasks. The loop still runs this
 * many times through the entries of its ready queue, and the new tasks are cancelled after that. In asyncio.run, such
 * tasks also get some time, because they continue while async generators and the executor are shut down.
 */
const roundsLeft = 5
/**
 * When all tasks of a run have ended, async functions that were called without `await` may still wait. The run cancels
 * these waits, and waits at most `unawaitedGrace` milliseconds until the functions have ended. Such a function may
 * catch the CancelledError and wait again. So the run does this up to `unawaitedRounds` times.
 */
const unawaitedRounds = 5
const unawaitedGrace = 500

export interface RunnerOptions {
  debug?: boolean
  /**
   * The loop on which the main functions run. Without this option, the runner makes a new loop, and closes that loop
   * when the runner is closed.
   */
  loop?: EventLoop
  /**
   * Whether SIGINT and SIGTERM cancel the main task; true by default. In a worker thread this has no effect. If the
   * program itself listens for one of these signals when the run begins, that signal does not cancel the main task.
   */
  handleSignals?: boolean
}

/**
 * Runs one main function after another on one loop. When the runner is closed, it ends the tasks that the main
 * functions have left behind.
 *
 * @example
 *     await using runner = new Runner()
 *     const user = new ContextVar<string>('user', { default: 'nobody' })
 *     await runner.run(async () => void user.set('Ada'))
 *     console.log(await runner.run(async () => user.get())) // Ada
 *
 * Source: asyncio.Runner
 */
export class Runner implements AsyncDisposable {
  readonly #loop: EventLoop
  /** @internal Whether `close` also closes the loop. */
  closesLoop: boolean
  readonly #handleSignals: boolean
  /**
   * The context variables of the main functions. All main functions share them, so a main function sees the values that
   * an earlier main function has set.
   */
  readonly #context: Context = copyContext()
  /** The promise of the first call of `close` that was not refused; null before that. */
  #closing: Promise<void> | null = null
  /**
   * The tasks that wait for ever although the runner has cancelled them. For example, a task hangs in its clean-up. The
   * runner does not cancel such a task again and does not wait for it.
   */
  readonly #givenUp = new Set<Task>()
  /** The error for `close`, if tasks that it has cancelled wait for ever. */
  #deadlock: DeadlockError | null = null
  /**
   * Whether no other main function will run after the present one. If so, all other tasks are cancelled as soon as the
   * present main function ends.
   */
  #isLast = false
  /** The tasks that the runner has cancelled, and for which it must still wait until they have ended. */
  #cancelled: Task[] = []
  #hasCancelled = false
  /**
   * @internal A virtual clock calls this function when nothing is left that could end the present wait of the runner:
   * for the main task, or for a task or hook of the clean-up. Null while the runner waits for none of these.
   */
  deadlocked: (() => void) | null = null

  /** @throws {TypeError} for wrong options */
  constructor(options: RunnerOptions = {}) {
    // `checkRuntime` was called when the package was loaded. It is called here again, because other code may have
    // replaced the global Promise since then.
    checkRuntime()
    checkRunnerOptions(options)
    this.closesLoop = options.loop === undefined
    this.#loop = options.loop ?? new EventLoop()
    this.#handleSignals = options.handleSignals ?? true
    if (options.debug !== undefined) this.#loop.setDebug(options.debug)
  }

  /** @throws {RuntimeError} when the runner is closed */
  getLoop(): EventLoop {
    if (this.#closing !== null) throw new RuntimeError('the runner is closed')
    return this.#loop
  }

  /**
   * Runs `main` as a task, and returns a promise of its outcome.
   *
   * @throws {TypeError} when `main` is neither a function nor a Coroutine
   * @throws {RuntimeError} inside a task or callback of a loop, while another main function runs, or when the runner is
   * closed; then `main` does not begin. Also when code calls `stop` of the loop before `main` has ended; then `main`
   * goes on
   * @throws {KeyboardInterrupt} when SIGINT or SIGTERM has ended `main`
   * @throws {DeadlockError} when nothing is left that could end the wait of `main`
   */
  run<T>(
    main: CoroutineFunction<[], T> | Coroutine<T>,
    options?: { signal?: AbortSignal },
  ): Promise<T> {
    checkMain('Runner.run', main)
    checkOptions(options)
    return this.#run(main, options?.signal)
  }

  async #run<T>(
    main: CoroutineFunction<[], T> | Coroutine<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    // This check comes before the task is made: if the call is refused, `main` must not run.
    this.#assertRunnable()
    const loop = this.#loop
    watchRejections(loop)
    const task = createTask(main, { loop, context: this.#context })
    cancelOnAbort(task as Task, signal)
    if (this.#isLast) {
      // As in asyncio, the other tasks are cancelled at the end of the round that calls the callbacks of the ended
      // `main`. A round runs the entries that are in the ready queue when it begins; entries that are added meanwhile
      // run in the next round, after the cancel.
      // If the loop was stopped before `main` has ended, `close` itself has cancelled all tasks.
      task.onDone(() =>
        loop.atRoundEnd(() => {
          if (this.#closing === null) this.#cancelAll()
        }),
      )
    }
    const watched = new MainTask(task)
    this.deadlocked = () => watched.deadlocked()
    const unwatch = watchForDeadlock(watched)
    const ignoreSignals = this.#handleSignals ? interruptOnSignals(watched) : null
    try {
      const value = await loop.runUntilComplete(task)
      if (watched.deadlock !== null) throw watched.deadlock
      return value
    } catch (error) {
      throw watched.explain(error)
    } finally {
      this.deadlocked = null
      if (watched.isGivenUp && !task.done()) this.#givenUp.add(task)
      unwatch()
      ignoreSignals?.()
    }
  }

  /** @throws {RuntimeError} when no main function can begin now */
  #assertRunnable(): void {
    const loop = this.getLoop()
    if (currentFrame()?.loop.isRunning() === true) {
      throw new RuntimeError(
        'run() cannot be called from a running event loop: await the call instead',
      )
    }
    if (loop.isRunning()) {
      throw new RuntimeError('this runner runs another main function: await that run first')
    }
    loop.assertRunnable()
  }

  /**
   * Closes the runner: cancels every task of the loop and waits until all have ended, calls the functions that were
   * passed to `addShutdownHook` of the loop, and passes the failures that no code has read to the exception handler of
   * the loop. A call of `stop` of the loop does not end this wait. A second call of `close` waits until the first has
   * ended.
   *
   * @throws {RuntimeError} while a main function runs, and inside a task or callback of a loop if there is work to end;
   * then nothing is cancelled
   * @throws {DeadlockError} when nothing is left that could end the wait of one of these tasks; the runner then stops
   * waiting
   */
  async close(): Promise<void> {
    if (this.#closing !== null) {
      await this.#closing.catch(() => {})
      return
    }
    if (this.#loop.isRunning() || this.#hasWork()) this.#loop.assertRunnable()
    this.#closing = this.#close()
    await this.#closing
  }

  /** Whether `close` has something to wait for. */
  #hasWork(): boolean {
    const loop = this.#loop
    return (
      loop.tasks.list().length + loop.shutdownHooks.size > 0 || this.#waitingFrames().length > 0
    )
  }

  async #close(): Promise<void> {
    const loop = this.#loop
    const called = new Set<unknown>()
    // No main function runs any more, so a signal has nothing to cancel, and ends the process.
    const ignoreSignals = this.#handleSignals
      ? interruptOnSignals({ interrupt: () => false })
      : null
    try {
      do {
        await this.#endTasks()
        await this.#endUnawaitedCalls()
      } while (await this.#callHooks(called))
    } finally {
      this.#dropWaits()
      loop.failures.reportAll()
      ignoreSignals?.()
      if (this.closesLoop) loop.close()
      else {
        loop.isEnding = false
        unwatchRejections(loop)
      }
    }
    if (this.#deadlock !== null) throw this.#deadlock
  }

  /**
   * Waits for `awaitable`, even if code calls `stop` of the loop.
   *
   * @throws {DeadlockError} when nothing is left that could end this wait; the message names `waiting`
   */
  async #waitFor<T>(awaitable: Awaitable<T>, waiting: string): Promise<T> {
    const loop = this.#loop
    const cleanup = new Cleanup(loop, waiting)
    this.deadlocked = () => cleanup.deadlocked()
    const unwatch = watchForDeadlock(cleanup)
    try {
      return await loop.runToEnd(awaitable, () => cleanup.deadlock !== null)
    } catch (error) {
      throw cleanup.deadlock ?? error
    } finally {
      this.deadlocked = null
      unwatch()
    }
  }

  async #endTasks(): Promise<void> {
    const loop = this.#loop
    // The tasks are cancelled and awaited in a loop, because the clean-up of a task may create new tasks.
    for (;;) {
      if (this.#cancelled.length === 0) {
        if (this.#hasCancelled && loop.tasks.list().length > 0) await this.#waitRounds(roundsLeft)
        this.#cancelAll()
      }
      if (this.#cancelled.length === 0) break
      const cancelled = this.#cancelled
      this.#cancelled = []
      try {
        await this.#waitFor(awaitCancelled(cancelled), 'what the main task left behind')
      } catch (error) {
        if (!(error instanceof DeadlockError)) throw error
        this.#deadlock ??= error
        for (const task of cancelled) if (!task.done()) this.#givenUp.add(task)
      }
    }
  }

  /**
   * Calls the functions that were passed to `addShutdownHook` of the loop, the one that was added last first, and then
   * those that were added meanwhile. `called` is the set of the functions that were called already; none is called
   * twice. Returns whether a function was called.
   */
  async #callHooks(called: Set<unknown>): Promise<boolean> {
    const { shutdownHooks } = this.#loop
    const before = called.size
    for (;;) {
      const hooks = [...shutdownHooks].filter((hook) => !called.has(hook)).toReversed()
      if (hooks.length === 0) return called.size > before
      for (const hook of hooks) {
        // An earlier hook may have removed this one.
        if (!shutdownHooks.delete(hook)) continue
        called.add(hook)
        try {
          await this.#waitFor(async () => hook(), 'a shutdown hook')
        } catch (exception) {
          this.#loop.callExceptionHandler({ message: 'Exception in a shutdown hook', exception })
        }
      }
    }
  }

  /**
   * Ends the async functions that were called without `await`: cancels every wait that is left in the loop after all
   * tasks have ended, and waits until the clean-up of the waiting code has ended, up to a limit. If code catches the
   * CancelledError and waits again, the new wait is cancelled too, at most `unawaitedRounds` times.
   */
  async #endUnawaitedCalls(): Promise<void> {
    const loop = this.#loop
    loop.isEnding = true
    for (let round = 0; round < unawaitedRounds; round++) {
      const frames = this.#waitingFrames()
      if (frames.length === 0) break
      const quiet = new Future<void>({ loop })
      const end = (): void => {
        if (!quiet.done()) quiet.setResult()
      }
      const timer = loop.callLater(unawaitedGrace, end)
      for (const frame of frames) {
        frame.state = CLOSING
        cancelFrame(frame, 'the run has ended')
        ;(frame.cancellation as Cancellation).onQuiet = () => {
          if (!frames.some(hasWaits)) end()
        }
      }
      await loop.runToEnd(quiet, () => false)
      timer.cancel()
    }
    // Code outside of every task may wait again: that of the shutdown hooks, and of a later run on the same loop.
    const { rootFrame } = loop
    if (rootFrame.cancellation !== null) rootFrame.cancellation.pending = false
    rootFrame.cancellation = null
    rootFrame.state = OPEN
  }

  /** Returns the frames of the code that waits outside of every running task. A frame lists the waits of some code. */
  #waitingFrames(): Frame[] {
    return [...this.#loop.leftBehind, this.#loop.rootFrame].filter(hasWaits)
  }

  /**
   * Cancels the futures of all waits that are left: those of calls that began to wait again after each cancel, and
   * those of tasks for which the runner has stopped waiting. If the loop is closed then, the waiting code never runs
   * again. Without this cancel, a lock could still be given to such code, which would never release it.
   */
  #dropWaits(): void {
    const loop = this.#loop
    const executions = loop.tasks.list().map((task) => task.ownExecution())
    for (const outermost of [...loop.leftBehind, loop.rootFrame, ...executions]) {
      for (const frame of framesOf(outermost)) {
        frame.eachWait((_key, future) => void future.cancel('the run has ended'))
      }
    }
  }

  /**
   * Waits while the loop runs `rounds` times through the entries of its ready queue, and Node handles I/O in between.
   * During this time, tasks that were created in a clean-up can continue.
   */
  async #waitRounds(rounds: number): Promise<void> {
    const loop = this.#loop
    const over = new Future<void>({ loop })
    let left = rounds
    const round: Runnable = {
      run: () => {
        if (--left > 0) loop.pushAfterIO(round)
        else over.setResult()
      },
    }
    loop.pushAfterIO(round)
    await loop.runToEnd(over, () => false)
  }

  #cancelAll(): void {
    this.#hasCancelled = true
    const left = this.#loop.tasks.list().filter((task) => !this.#givenUp.has(task))
    this.#cancelled = left.filter((task) => task.cancel())
  }

  /**
   * @internal Runs `main` as `run` does, closes the runner, and returns the outcome of `main`. The caller must have
   * checked the argument `main`.
   */
  async runAndClose<T>(
    main: CoroutineFunction<[], T> | Coroutine<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    this.#isLast = true
    let value: T
    try {
      this.#assertRunnable()
    } catch (error) {
      // The tasks of a loop that the caller has passed must go on. A loop of the runner has no task yet.
      if (this.closesLoop) this.#loop.close()
      throw error
    }
    try {
      value = await this.#run(main, signal)
    } catch (error) {
      await this.close().catch((exception: unknown) => {
        const message = 'What the main task left behind hangs in its clean-up'
        this.#loop.callExceptionHandler({ message, exception })
      })
      throw error
    }
    await this.close()
    return value
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Checks the argument `main`. `call` is the name of the function that was called, for the error message.
 *
 * @throws {TypeError} when `main` is neither a function nor a Coroutine
 */
export function checkMain(call: string, main: unknown): void {
  if (typeof main === 'function' || isCoroutine(main)) return
  throw new TypeError(`${call} takes a function or a Coroutine, got ${describe(main)}`)
}

/** Checks the options of `run`, `runMain` and `Runner`. @throws {TypeError} for wrong options */
export function checkRunnerOptions(options: RunnerOptions): void {
  checkOptions(options)
  const { debug, handleSignals, loop } = options
  if (loop !== undefined && !(loop instanceof EventLoop)) {
    throw new TypeError(`the option loop must be an EventLoop, got ${describe(loop)}`)
  }
  if (debug !== undefined) checkFlag('debug', debug)
  if (handleSignals !== undefined) checkFlag('handleSignals', handleSignals)
}
