import {
  Future,
  getEventLoop,
  isCancelled,
  RuntimeError,
  shield,
  type Task,
  wait,
} from '@tasktree/core'
import {
  abortError,
  createServiceTask,
  hasFailed,
  observe,
  waitAnyway,
} from '@tasktree/core/lowlevel'
import { NotReadyError } from './errors.ts'
import { Incarnation, startManaged } from './incarnation.ts'
import type { ManagedProcessOptions } from './managed-options.ts'
import { OneShotEvent } from './one-shot-event.ts'
import type { Process } from './process.ts'
import { RestartDelays } from './restart-delays.ts'

export type ManagedState = 'idle' | 'starting' | 'running' | 'backing-off' | 'stopping' | 'stopped'

/**
 * The life of a managed process from a call of `start` until the process has ended and is not started again. A separate
 * task runs it, and starts an incarnation, which is one process of the system, as often as the option `restart` asks for.
 */
export class ManagedLife {
  state: ManagedState = 'starting'
  /** The process that runs; null between two incarnations, and at the end. */
  child: Process | null = null
  readonly #program: string
  readonly #args: readonly string[]
  readonly #options: ManagedProcessOptions
  readonly #onRestart: () => void
  readonly #task: Task<void>
  /** Settles when the process is ready, or when the start has failed. Null after that. */
  #ready: Future<void> | null = new Future<void>()
  /** The event that the process must stop and must not be started again. */
  readonly #halt = new OneShotEvent()
  /** The code of the last incarnation that has ended; null when there is none. */
  #returncode: number | null = null

  /** @param onRestart called before each start of the process except the first */
  constructor(
    program: string,
    args: readonly string[],
    options: ManagedProcessOptions,
    onRestart: () => void,
  ) {
    this.#program = program
    this.#args = args
    this.#options = options
    this.#onRestart = onRestart
    this.#task = createServiceTask(() => this.#live(), { name: `process ${program}` })
    // `#live` calls `#onEnd`, but never runs if the task is cancelled before its first step.
    observe(this.#task, () => this.#onEnd())
  }

  /** Waits until the process is ready. If it cannot become ready, or the caller is cancelled, the process is stopped. */
  async untilReady(): Promise<void> {
    const ready = this.#ready as Future<void>
    try {
      await shield(ready)
    } catch (error) {
      // If the start has failed in the turn in which it was cancelled, `error` is the cancel, and `ready` holds the
      // failure. `exception` marks the failure as read, so that it is not reported.
      if (hasFailed(ready)) ready.exception()
      if (this.#task.done()) throw error
      // The caller gets `error` below. `#ready` becomes null first, so that the end of the process is not reported to the
      // caller as well.
      this.#ready = null
      await this.stop()
      throw error
    }
  }

  /**
   * Stops the process and waits for its end, even if the caller is cancelled. The process has `killGrace` milliseconds to
   * end, and then its listeners have the same time for the last lines.
   */
  async stop(): Promise<void> {
    if (!this.#task.done()) this.#haltNow()
    await waitAnyway(() => wait([this.#task]))
    if (!this.#task.cancelled()) this.#task.result()
  }

  /** Waits for the end, and returns the code of the last incarnation. */
  async wait(): Promise<number> {
    // A cancel of the task that runs this life, for example because the run of its loop has ended, ends the process. It is
    // not a cancel of the caller, so the caller gets the code.
    await wait([this.#task])
    if (!this.#task.cancelled()) this.#task.result()
    if (this.#returncode !== null) return this.#returncode
    throw new RuntimeError(`${this.#program} has no return code: it could not be started`)
  }

  #haltNow(): void {
    // The task that runs the process sets the state 'stopped' just before it ends. A stop that is requested between these
    // two moments leaves this state as it is.
    if (this.state !== 'stopped') this.state = 'stopping'
    this.#halt.happen()
  }

  /**
   * Starts the process, and starts it again each time it has ended, as long as the option `restart` asks for that and
   * the process need not stop.
   */
  async #live(): Promise<void> {
    const { signal, restart = 'never' } = this.#options
    const stop = (): void => this.#haltNow()
    // The signal may have aborted before this task began.
    if (signal?.aborted === true) stop()
    signal?.addEventListener('abort', stop)
    const backoff = new RestartDelays(this.#options.backoff ?? {})
    try {
      for (;;) {
        const startedAt = getEventLoop().time()
        const returncode = await this.#liveOnce()
        if (this.#ready !== null || this.#halt.hasHappened) return
        if (restart === 'never' || (restart === 'on-failure' && returncode === 0)) return
        this.state = 'backing-off'
        await this.#rest(backoff.next(getEventLoop().time() - startedAt))
        if (this.#halt.hasHappened) return
        this.#onRestart()
        this.state = 'starting'
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      this.#onEnd()
    }
  }

  #onEnd(): void {
    this.state = 'stopped'
    // If the task was cancelled, `untilReady` may still wait for `#ready`, so `#ready` is cancelled too.
    this.#ready?.cancel()
  }

  /** Waits `ms` milliseconds, or until the process must stop, if that is earlier. */
  async #rest(ms: number): Promise<void> {
    const pause = new Future<void>()
    const wake = (): void => {
      if (!pause.done()) pause.setResult()
    }
    const forget = this.#halt.on(wake)
    const timer = pause.getLoop().callLater(ms, wake)
    try {
      await pause
    } finally {
      timer.cancel()
      forget()
    }
  }

  /** Runs one incarnation to its end. Returns its code; null when the process could not be started. */
  async #liveOnce(): Promise<number | null> {
    let child: Process
    try {
      child = await startManaged(this.#program, this.#args, this.#options)
    } catch (error) {
      if (isCancelled(error)) throw error
      this.#fail(error)
      return null
    }
    this.child = child
    const incarnation = new Incarnation(child, this.#options, {
      program: this.#program,
      halt: this.#halt,
      isStarting: () => this.state === 'starting',
      onReady: () => this.#onReady(),
      onFailure: (error) => this.#fail(error),
      onExit: (returncode) => this.#onExit(returncode),
    })
    try {
      await incarnation.live()
    } finally {
      this.child = null
      this.#returncode = child.returncode
    }
    return child.returncode
  }

  #onReady(): void {
    this.state = 'running'
    const ready = this.#ready
    this.#ready = null
    if (ready?.done() === false) ready.setResult()
  }

  /** Called when the process has ended. If it was never ready, its start has failed. */
  #onExit(returncode: number): void {
    if (this.#ready === null) return
    const { signal } = this.#options
    const early = new NotReadyError([this.#program, ...this.#args], returncode)
    this.#fail(signal?.aborted === true ? abortError(signal) : early)
  }

  /**
   * Handles a failed start of the process. As long as a call of `start` waits for the process to become ready, that
   * call throws `error`. Later the error goes to the exception handler of the loop.
   */
  #fail(error: unknown): void {
    const ready = this.#ready
    if (ready === null) {
      const message = `${this.#program} could not be started again`
      getEventLoop().callExceptionHandler({ message, exception: error })
    } else if (!ready.done()) {
      ready.setException(error)
    }
  }
}
