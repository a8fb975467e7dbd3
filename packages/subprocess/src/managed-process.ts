import {
  Future,
  getEventLoop,
  isCancelled,
  RuntimeError,
  shield,
  type Task,
  TimeoutError,
  wait,
} from '@tasktree/core'
import {
  abortError,
  afterDelay,
  createServiceTask,
  describe,
  hasFailed,
  observe,
  waitAnyway,
} from '@tasktree/core/lowlevel'
import { NotReadyError, TimeoutExpired } from './errors.ts'
import { listenToLines } from './line-listener.ts'
import { checkManaged, type ManagedProcessOptions } from './managed-options.ts'
import { OneShotEvent } from './one-shot-event.ts'
import { checkSpawn, defaultKillGrace, ownOptions, PIPE } from './options.ts'
import type { Process } from './process.ts'
import { RestartDelays } from './restart-delays.ts'
import { createSubprocessExec } from './spawn.ts'

export type ManagedState = 'idle' | 'starting' | 'running' | 'backing-off' | 'stopping' | 'stopped'

/**
 * A long-running process. The listeners `onStdout` and `onStderr` get its output lines, the option `restart` starts it
 * again when it has ended, and `stop` sends SIGTERM and, after `killGrace`, SIGKILL. A separate task runs the process.
 * Leaving the scope of a ManagedProcess stops the process and ends that task.
 *
 * By default the stdin of the process is a PIPE, and its stdout and stderr are those of the parent. With a listener to
 * the lines of an output, that output is a PIPE; with the option `ready`, both outputs are.
 *
 * @example
 *     await using server = new ManagedProcess('sh', ['-c', 'echo listening; exec sleep 60'], {
 *       ready: /listening/, // start() waits for this line
 *       restart: 'on-failure',
 *     })
 *     await server.start()
 *     console.log(server.state) // running
 */
export class ManagedProcess implements AsyncDisposable {
  readonly #program: string
  readonly #args: readonly string[]
  readonly #options: ManagedProcessOptions
  #state: ManagedState = 'idle'
  #restarts = 0
  #child: Process | null = null
  #life: Task<number | null> | null = null
  #ready: Future<void> | null = null
  /** The event that the process must stop and must not be started again. */
  #halt = new OneShotEvent()
  /**
   * How often a stop was requested. `restart` compares this number, to notice a stop that was requested after its own.
   */
  #stops = 0

  constructor(program: string, args: readonly string[] = [], options: ManagedProcessOptions = {}) {
    checkSpawn(program, args, options)
    checkManaged(options)
    this.#program = program
    this.#args = [...args]
    this.#options = ownOptions(options)
  }

  get state(): ManagedState {
    return this.#state
  }

  /**
   * The process id; null while the process does not run. After the end of the process, the id stays until the listeners
   * have got the last lines.
   */
  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** How often the process was started again, after it ended or by `restart`. An attempt that failed counts too. */
  get restarts(): number {
    return this.#restarts
  }

  /**
   * Starts the process and waits until it is ready. A cancel stops the process. A process that was never ready is not
   * started again. After a failed start no process is left, and `start` may be called again.
   *
   * @throws {NotReadyError} when the process ends before it is ready
   * @throws {TimeoutError} when the process was not ready within `readyTimeout`
   * @throws {CancelledError} when the option `signal` has aborted
   * @throws {RuntimeError} when the process is neither idle nor stopped
   * @throws what createSubprocessExec throws
   */
  async start(): Promise<void> {
    if (this.#state !== 'idle' && this.#state !== 'stopped')
      throw new RuntimeError(`${this.#program} cannot be started: it is ${this.#state}`)
    const { signal } = this.#options
    if (signal?.aborted === true) throw abortError(signal)
    this.#state = 'starting'
    const ready = new Future<void>()
    this.#ready = ready
    this.#halt = new OneShotEvent()
    const life = createServiceTask(() => this.#live(), { name: `process ${this.#program}` })
    this.#life = life
    // `#live` calls `#onLifeEnd`, but never runs if the task is cancelled before its first step.
    observe(life, () => {
      if (this.#life === life) this.#onLifeEnd()
    })
    try {
      await shield(ready)
    } catch (error) {
      // If the start has failed in the turn in which it was cancelled, `error` is the cancel, and `ready` holds the
      // failure. `exception` marks the failure as read, so that it is not reported.
      if (hasFailed(ready)) ready.exception()
      if (life.done()) throw error
      // `start` throws `error` below. `#ready` becomes null first, so that the end of the process is not reported to this
      // call of `start` as well.
      this.#ready = null
      await this.#untilStopped()
      throw error
    }
  }

  /**
   * Stops the process and returns its last code. The process is not started again, not even by an earlier call of
   * `restart`. A listener that has not settled within `killGrace` after the end of the process is no longer waited for.
   *
   * @throws {RuntimeError} when the process was never started, or could not be started
   */
  async stop(): Promise<number> {
    if (this.#life === null) throw new RuntimeError(`${this.#program} was never started`)
    await this.#untilStopped()
    return this.wait()
  }

  /**
   * Stops the process and starts a new one.
   *
   * @throws {RuntimeError} when `stop` or another `restart` was called before the new process was started
   * @throws what `stop` and `start` throw
   */
  async restart(): Promise<void> {
    const stopped = this.stop()
    const stops = this.#stops
    await stopped
    if (this.#stops !== stops)
      throw new RuntimeError(`${this.#program} was stopped while it was restarted`)
    this.#restarts++
    await this.start()
  }

  /**
   * Waits until the process has ended and will not be started again, and returns its last code. By then the listeners
   * have got all lines, unless `stop` has given up a listener that did not settle.
   *
   * @throws {RuntimeError} when the process was never started, or could not be started
   */
  async wait(): Promise<number> {
    if (this.#life === null) throw new RuntimeError(`${this.#program} was never started`)
    const returncode = await shield(this.#life)
    if (returncode !== null) return returncode
    throw new RuntimeError(`${this.#program} has no return code: it could not be started`)
  }

  /**
   * Writes `line` and a newline to stdin. Waits while too much of the text that was written has not been read yet.
   *
   * @throws {TypeError} when `line` is not a string
   * @throws {RuntimeError} when the process does not run or its stdin is not a PIPE
   * @throws {ConnectionResetError} when the process has closed its stdin
   */
  write(line: string): Promise<void> {
    if (typeof line !== 'string') throw new TypeError(`write takes a string, got ${describe(line)}`)
    return this.#write(line)
  }

  async #write(line: string): Promise<void> {
    const stdin = this.#child?.stdin ?? null
    if (stdin === null) {
      const why = this.#child === null ? `it is ${this.#state}` : 'its stdin is no PIPE'
      throw new RuntimeError(`cannot write to ${this.#program}: ${why}`)
    }
    stdin.write(`${line}\n`)
    await stdin.drain()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#life !== null) await this.#untilStopped()
  }

  /**
   * Stops the process and waits for its end, even if the caller is cancelled. The process has `killGrace` milliseconds to
   * end, and then its listeners have the same time for the last lines.
   */
  async #untilStopped(): Promise<void> {
    const life = this.#life as Task<number | null>
    this.#stops++
    if (!life.done()) this.#haltLife()
    await waitAnyway(() => wait([life]))
    if (!life.cancelled()) life.result()
  }

  #haltLife(): void {
    // The task that runs the process sets the state 'stopped' just before it ends. A stop that is requested between these
    // two moments leaves this state as it is.
    if (this.#state !== 'stopped') this.#state = 'stopping'
    this.#halt.happen()
  }

  /**
   * Starts the process, and starts it again each time it has ended, as long as the option `restart` asks for that and
   * the process need not stop. Returns the last code of the process; null when it never ran.
   */
  async #live(): Promise<number | null> {
    const { signal, restart = 'never' } = this.#options
    const stop = (): void => this.#haltLife()
    // The signal may have aborted before this task began.
    if (signal?.aborted === true) stop()
    signal?.addEventListener('abort', stop)
    const backoff = new RestartDelays(this.#options.backoff ?? {})
    let last: number | null = null
    try {
      for (;;) {
        const startedAt = getEventLoop().time()
        const returncode = await this.#liveOnce()
        last = returncode ?? last
        if (this.#ready !== null || this.#halt.hasHappened) return last
        if (restart === 'never' || (restart === 'on-failure' && returncode === 0)) return last
        this.#state = 'backing-off'
        await this.#rest(backoff.next(getEventLoop().time() - startedAt))
        if (this.#halt.hasHappened) return last
        this.#restarts++
        this.#state = 'starting'
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      this.#onLifeEnd()
    }
  }

  #onLifeEnd(): void {
    this.#state = 'stopped'
    // If the task was cancelled, `start` may still wait for `#ready`, so `#ready` is cancelled too.
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

  /**
   * Starts the process once, and waits for its end and its last line. Returns its code; null when it could not be
   * started.
   */
  async #liveOnce(): Promise<number | null> {
    const { signal, ...options } = this.#options
    const isWatched = options.ready !== undefined
    const listened = (callback: unknown): typeof PIPE | undefined =>
      isWatched || callback !== undefined ? PIPE : undefined
    let child: Process
    try {
      child = await createSubprocessExec(this.#program, this.#args, {
        ...options,
        stdin: options.stdin ?? (options.stdio === undefined ? PIPE : undefined),
        stdout: options.stdout ?? listened(options.onStdout),
        stderr: options.stderr ?? listened(options.onStderr),
      })
    } catch (error) {
      if (isCancelled(error)) throw error
      this.#fail(error)
      return null
    }
    await using _ = child
    this.#child = child
    const deaf = new OneShotEvent()
    const forget = this.#endWhenHalted(child, deaf)
    const timer = this.#watchReadiness(child)
    const heard = {
      program: this.#program,
      onText: (text: string) => this.#lookForReadiness(text),
      deaf,
    }
    const listeners = [
      listenToLines(child.stdout, { ...heard, listener: options.onStdout }),
      listenToLines(child.stderr, { ...heard, listener: options.onStderr }),
    ]
    try {
      const [returncode, ended] = await Promise.all([
        waitToTheEnd(child),
        Promise.race([
          Promise.all(listeners),
          new Promise<null>((resolve) => deaf.on(() => resolve(null))),
        ]),
      ])
      if (ended === null) {
        const message = `a listener to the lines of ${this.#program} did not settle: the rest is not heard`
        getEventLoop().callExceptionHandler({ message })
      }
      return returncode
    } finally {
      timer?.cancel()
      forget()
      for (const listener of listeners) listener.cancel()
      this.#child = null
      if (this.#ready !== null && child.returncode !== null) {
        const early = new NotReadyError([this.#program, ...this.#args], child.returncode)
        this.#fail(signal?.aborted === true ? abortError(signal) : early)
      }
    }
  }

  /**
   * Ends `child` when the process must stop. After the end of the child, the listeners have `killGrace` more
   * milliseconds for the last lines. Then `deaf` happens, and the listeners get no more lines. Returns a function that
   * takes all of this back.
   */
  #endWhenHalted(child: Process, deaf: OneShotEvent): () => void {
    const { killGrace = defaultKillGrace } = this.#options
    const steps: (() => void)[] = []
    const onGone = (): void => {
      steps.push(afterDelay(killGrace, () => deaf.happen()))
    }
    const onHalt = (): void => {
      steps.push(child.stop().on(onGone))
    }
    steps.push(this.#halt.on(onHalt))
    return () => {
      for (const takeBack of steps) takeBack()
    }
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

  #watchReadiness(child: Process): { cancel(): void } | null {
    const { ready, readyTimeout = 30_000 } = this.#options
    if (ready === undefined) {
      this.#becomeReady()
      return null
    }
    if (readyTimeout === Infinity) return null
    return getEventLoop().callLater(readyTimeout, () => {
      if (this.#state !== 'starting') return
      this.#fail(new TimeoutError(`${this.#program} was not ready within ${readyTimeout} ms`))
      child.stop()
    })
  }

  #becomeReady(): void {
    if (this.#state !== 'starting') return
    this.#state = 'running'
    const ready = this.#ready
    this.#ready = null
    if (ready?.done() === false) ready.setResult()
  }

  #lookForReadiness(line: string): void {
    const { ready } = this.#options
    if (ready === undefined || this.#state !== 'starting') return
    // `search` is called here, and not `test`, because `test` with the flag g begins where the last match ended.
    if (typeof ready === 'function' ? ready(line) : line.search(ready) !== -1) this.#becomeReady()
  }
}

/**
 * Returns the code of the process, even when its `timeout` has ended it, because that is an ordinary end for a
 * long-running process.
 */
async function waitToTheEnd(child: Process): Promise<number> {
  try {
    return await child.wait()
  } catch (error) {
    if (error instanceof TimeoutExpired) return child.returncode as number
    throw error
  }
}
