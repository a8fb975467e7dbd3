import { checkFlag, checkOptions, describe } from '../arguments.ts'
import { checkRuntime } from '../check-runtime.ts'
import { type Context, copyContext } from '../context/context-vars.ts'
import { type Coroutine, type CoroutineFunction, isCoroutine } from '../tasks/coroutine.ts'
import { currentEnvironment } from '../context/async-context.ts'
import { RuntimeError } from '../errors/errors.ts'
import { cancelOnAbort } from '../futures/claim.ts'
import { awaitCancelled } from '../combine/cancel-tasks.ts'
import { Future } from '../futures/future.ts'
import { EventLoop } from '../loop/loop.ts'
import { watchForDeadlock } from './before-exit.ts'
import { interruptOnSignals } from './interrupt-signals.ts'
import { Cleanup, MainTask } from './main-task.ts'
import type { Runnable } from '../loop/ready-queue.ts'
import type { Cancellation } from '../tasks/cancellation.ts'
import { CLOSING } from '../tasks/frame-state.ts'
import { hasWaits } from '../tasks/frame-end.ts'
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
   * program itself listens for one of these signals, that signal does not cancel the main task.
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
  readonly #ownsLoop: boolean
  readonly #handleSignals: boolean
  /**
   * The context variables of the main functions. All main functions share them, so a main function sees the values that
   * an earlier main function has set.
   */
  readonly #context: Context = copyContext()
  #closed = false
  /**
   * The main task that was not done when the loop was stopped; null if there is none. The runner does not cancel this
   * task and does not wait for it. A second deadlock stops the loop: the first has cancelled the task, but the task has
   * caught the CancelledError and waits for ever again. Other code may also call `stop` of the loop.
   */
  #givenUp: Task | null = null
  /**
   * Whether no other main function will run after the present one. If so, all other tasks are cancelled as soon as the
   * present main function ends.
   */
  #isLast = false
  /** The tasks that the runner has cancelled, and for which it must still wait until they have ended. */
  #cancelled: Task[] = []
  #hasCancelled = false
  /**
   * @internal A virtual clock calls this function when nothing is left that could wake the main task. The run then
   * fails with a DeadlockError. Null while the runner runs nothing.
   */
  deadlocked: (() => void) | null = null

  /** @throws {TypeError} for wrong options */
  constructor(options: RunnerOptions = {}) {
    // `checkRuntime` was called when the package was loaded. It is called here again, because other code may have
    // replaced the global Promise since then.
    checkRuntime()
    checkRunnerOptions(options)
    this.#ownsLoop = options.loop === undefined
    this.#loop = options.loop ?? new EventLoop()
    this.#handleSignals = options.handleSignals ?? true
    if (options.debug !== undefined) this.#loop.setDebug(options.debug)
  }

  /** @throws {RuntimeError} when the runner is closed */
  getLoop(): EventLoop {
    if (this.#closed) throw new RuntimeError('the runner is closed')
    return this.#loop
  }

  /**
   * Runs `main` as a task, and returns a promise of its outcome.
   *
   * @throws {TypeError} when `main` is neither a function nor a Coroutine
   * @throws {RuntimeError} inside a task of a running loop, while another main function runs, or when the runner is
   * closed; then `main` does not begin
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
    const loop = this.getLoop()
    if (currentEnvironment()?.loop.isRunning() === true) {
      throw new RuntimeError(
        'run() cannot be called from a running event loop: await the call instead',
      )
    }
    // This check comes before the task is made: if the call is refused, `main` must not run.
    if (loop.isRunning()) {
      throw new RuntimeError('this runner runs another main function: await that run first')
    }
    watchRejections(loop)
    const task = createTask(main, { loop, context: this.#context })
    cancelOnAbort(task as Task, signal)
    if (this.#isLast) {
      // As in asyncio, the other tasks are cancelled at the end of the round in which `main` has ended. A round runs
      // the entries that are in the ready queue when it begins; entries that are added meanwhile run in the next round,
      // after the cancel.
      task.onDone(() => loop.atRoundEnd(() => this.#cancelAll()))
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
      if (!task.done()) this.#givenUp = task
      unwatch()
      ignoreSignals?.()
    }
  }

  /**
   * Closes the runner: cancels every task of the loop and waits until all have ended, calls the functions that were
   * passed to `addShutdownHook` of the loop, and passes the failures that no code has read to the exception handler of
   * the loop.
   *
   * @throws {DeadlockError} when nothing is left that could end the wait of one of these tasks; the runner then stops
   * waiting
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const loop = this.#loop
    const cleanup = new Cleanup(loop)
    this.deadlocked = () => cleanup.deadlocked()
    const unwatch = watchForDeadlock(cleanup)
    try {
      await this.#endTasks(cleanup)
    } finally {
      this.deadlocked = null
      unwatch()
    }
    await this.#endUnawaitedCalls()
    for (const hook of loop.takeShutdownHooks()) {
      try {
        await loop.runUntilComplete(async () => hook())
      } catch (exception) {
        loop.callExceptionHandler({ message: 'Exception in a shutdown hook', exception })
      }
    }
    await this.#endUnawaitedCalls()
    this.#dropWaits()
    loop.failures.reportAll()
    unwatchRejections(loop)
    if (!this.#ownsLoop) loop.isEnding = false
    if (this.#ownsLoop) loop.close()
    if (cleanup.deadlock !== null) throw cleanup.deadlock
  }

  async #endTasks(cleanup: Cleanup): Promise<void> {
    const loop = this.#loop
    // The tasks are cancelled and awaited in a loop, because the clean-up of a task may create new tasks.
    for (;;) {
      if (this.#cancelled.length === 0) {
        if (this.#hasCancelled && loop.tasks.list().length > 0) await this.#waitRounds(roundsLeft)
        this.#cancelAll()
      }
      if (this.#cancelled.length === 0) break
      const ended = awaitCancelled(this.#cancelled)
      this.#cancelled = []
      try {
        await loop.runUntilComplete(ended)
      } catch (error) {
        if (cleanup.deadlock === null) throw error
        return
      }
    }
  }

  /**
   * Ends the async functions that were called without `await`: cancels every wait that is left in the loop after all
   * tasks have ended, and waits until the clean-up of the waiting code has ended. If code catches the CancelledError
   * and waits again, the new wait is cancelled too, but this is repeated at most `unawaitedRounds` times in total.
   */
  async #endUnawaitedCalls(): Promise<void> {
    const loop = this.#loop
    loop.isEnding = true
    for (let round = 0; round < unawaitedRounds; round++) {
      const frames = [...loop.leftBehind, loop.rootFrame].filter(hasWaits)
      if (frames.length === 0) return
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
      await loop.runUntilComplete(quiet)
      timer.cancel()
    }
  }

  /**
   * Cancels the futures of all waits that are left: those of calls that began to wait again after each cancel, and
   * those of tasks for which the runner has stopped waiting. The waiting code never runs again. Without this cancel, a
   * lock could still be given to such code, which would never release it.
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
    await loop.runUntilComplete(over)
  }

  #cancelAll(): void {
    this.#hasCancelled = true
    const left = this.#loop.tasks.list().filter((task) => task !== this.#givenUp)
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
