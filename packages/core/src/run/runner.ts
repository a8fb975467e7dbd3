import { checkOptions, describe } from '../arguments.ts'
import { checkRuntime } from '../check-runtime.ts'
import { type Context, copyContext } from '../context/context-vars.ts'
import { type Coroutine, type CoroutineFunction, isCoroutine } from '../tasks/coroutine.ts'
import { runningScope } from '../context/async-context.ts'
import { RuntimeError } from '../errors/errors.ts'
import { cancelOnAbort } from '../futures/claim.ts'
import { awaitCancelled } from '../combine/cancel-tasks.ts'
import { Future } from '../futures/future.ts'
import { EventLoop } from '../loop/loop.ts'
import { watchProcess } from '../loop/process-events.ts'
import { Cleanup, MainTask } from './main-task.ts'
import type { Runnable } from '../loop/ready-queue.ts'
import type { Cancellation } from '../tasks/cancellation.ts'
import { CLOSING, framesOf, hasWaits } from '../tasks/frame-waits.ts'
import { cancelFrame } from '../tasks/propagate-cancel.ts'
import { createTask, type Task } from '../tasks/task.ts'
import { unwatchRejections, watchRejections } from '../loop/unhandled-rejections.ts'

/**
 * In asyncio.run what the cancelled tasks have created goes on while async generators and the executor are
 * shut down, for so many rounds of the loop; here it is cancelled after that.
 */
const roundsLeft = 5
/** How often calls that nobody awaited are cancelled at the end of a run, and how many milliseconds each time takes at most. */
const flowRounds = 5
const flowGrace = 500

export interface RunnerOptions {
  debug?: boolean
  /** The loop to run on; without one the runner makes its own and closes it. */
  loop?: EventLoop
  /** Whether SIGINT and SIGTERM cancel the main task; true where process signals exist and nobody else listens for them. */
  handleSignals?: boolean
}

/**
 * Runs one main function after another on one loop, and ends what they left behind when closed.
 *
 * Source: asyncio.Runner
 */
export class Runner implements AsyncDisposable {
  readonly #loop: EventLoop
  readonly #ownsLoop: boolean
  readonly #handleSignals: boolean
  /** What one main sets the next one sees. */
  readonly #context: Context = copyContext()
  #closed = false
  /** A main task that hung again after its deadlock. */
  #givenUp: Task | null = null
  /** Nothing runs after the main task that runs now. */
  #isLast = false
  /** What it has left behind, cancelled already. */
  #cancelled: Task[] = []
  #hasCancelled = false
  /** @internal what a deadlock is told to: the main task that runs */
  deadlocked: (() => void) | null = null

  /** @throws {TypeError} when `options` is no object, or its `loop` no EventLoop */
  constructor(options: RunnerOptions = {}) {
    // Again, because something may have replaced the promise since the package was loaded.
    checkRuntime()
    checkOptions(options)
    if (options.loop !== undefined && !(options.loop instanceof EventLoop)) {
      throw new TypeError(`the option loop must be an EventLoop, got ${describe(options.loop)}`)
    }
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
   * Runs `main` as a task, with its outcome.
   *
   * @throws {TypeError} when `main` is no function and no Coroutine
   * @throws {RuntimeError} inside a task of a running loop, while another main runs, or when the runner is closed; `main` does
   * not begin then
   * @throws {KeyboardInterrupt} when SIGINT or SIGTERM ended it
   * @throws {DeadlockError} when nothing is left that could wake it
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
    if (runningScope()?.scopeLoop.isRunning() === true) {
      throw new RuntimeError(
        'run() cannot be called from a running event loop: await the call instead',
      )
    }
    // Before the task exists: a main that is refused must not run.
    if (loop.isRunning()) {
      throw new RuntimeError('this runner runs another main function: await that run first')
    }
    watchRejections(loop)
    const task = createTask(main, { loop, context: this.#context })
    cancelOnAbort(task as Task, signal)
    if (this.#isLast) {
      // As in asyncio: no other task goes on between the round that sees the end of main and the cancels.
      task.onDone(() => loop.atRoundEnd(() => this.#cancelAll()))
    }
    const watched = new MainTask(task)
    this.deadlocked = () => watched.deadlocked()
    const unwatch = watchProcess(watched, this.#handleSignals)
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
    }
  }

  /**
   * Cancels every task of the loop and waits for them, runs the shutdown hooks, and reports what nobody has retrieved.
   *
   * @throws {DeadlockError} when nothing is left that could wake those tasks, which it then gives up
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const loop = this.#loop
    const cleanup = new Cleanup(loop)
    this.deadlocked = () => cleanup.deadlocked()
    const unwatch = watchProcess(cleanup, false)
    try {
      await this.#endTasks(cleanup)
    } finally {
      this.deadlocked = null
      unwatch()
    }
    await this.#endFlows()
    for (const hook of loop.takeShutdownHooks()) {
      try {
        await loop.runUntilComplete(async () => hook())
      } catch (exception) {
        loop.callExceptionHandler({ message: 'Exception in a shutdown hook', exception })
      }
    }
    await this.#endFlows()
    this.#dropWaits()
    loop.failures.reportAll()
    unwatchRejections(loop)
    if (!this.#ownsLoop) loop.isEnding = false
    if (this.#ownsLoop) loop.close()
    if (cleanup.deadlock !== null) throw cleanup.deadlock
  }

  async #endTasks(cleanup: Cleanup): Promise<void> {
    const loop = this.#loop
    // A task may create others while it is being cancelled.
    for (;;) {
      if (this.#cancelled.length === 0) {
        if (this.#hasCancelled && loop.liveTasks().length > 0) await this.#letGo(roundsLeft)
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
   * Ends the calls that nobody awaited: cancels every wait that is left in the loop, and waits until their code has
   * ended its clean-up. Code that swallows the cancel and waits again is cancelled again, in at most five rounds.
   */
  async #endFlows(): Promise<void> {
    const loop = this.#loop
    loop.isEnding = true
    for (let round = 0; round < flowRounds; round++) {
      const frames = [...loop.leftBehind, loop.rootFrame].filter(hasWaits)
      if (frames.length === 0) return
      const quiet = new Future<void>({ loop })
      const end = (): void => {
        if (!quiet.done()) quiet.setResult()
      }
      const timer = loop.callLater(flowGrace, end)
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
   * Takes the waits that are left out of the lines they stand in: of code that waits again after each cancel, and of
   * tasks that were given up. That code does not run again; without this a lock would be handed to it.
   */
  #dropWaits(): void {
    const loop = this.#loop
    const executions = loop.liveTasks().map((task) => task.ownExecution())
    for (const outermost of [...loop.leftBehind, loop.rootFrame, ...executions]) {
      for (const frame of framesOf(outermost)) {
        frame.eachWait((_key, future) => void future.cancel('the run has ended'))
      }
    }
  }

  /** Lets the loop go on for so many rounds. */
  async #letGo(rounds: number): Promise<void> {
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
    const left = this.#loop.liveTasks().filter((task) => task !== this.#givenUp)
    this.#cancelled = left.filter((task) => task.cancel())
  }

  /** @internal `run` and `close` in one, for a main that has been checked */
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

/** @throws {TypeError} when `main` is nothing that `call` runs */
export function checkMain(call: string, main: unknown): void {
  if (typeof main === 'function' || isCoroutine(main)) return
  throw new TypeError(`${call} takes a function or a Coroutine, got ${describe(main)}`)
}
