import {
  type CancelledError,
  createTask,
  currentTask,
  Future,
  getEventLoop,
  isCancelled,
  RuntimeError,
  shield,
  type Task,
  TimeoutError,
} from '@tasktree/core'
import { abortError, describe } from '@tasktree/core/lowlevel'
import type { StreamReader } from '@tasktree/streams'
import { NotReadyError, TimeoutExpired } from './errors.ts'
import { checkManaged, type ManagedProcessOptions } from './managed-options.ts'
import { Milestone } from './milestone.ts'
import { checkSpawn, defaultKillGrace, PIPE } from './options.ts'
import type { Process } from './process.ts'
import { afterDelay } from './real-timer.ts'
import { RestartDelays } from './restart-delays.ts'
import { createSubprocessExec } from './spawn.ts'
import { textLines } from './text-lines.ts'

type Listener = (line: string) => void | PromiseLike<void>

export type ManagedState = 'idle' | 'starting' | 'running' | 'backing-off' | 'stopping' | 'stopped'

/**
 * A process that is meant to stay: its lines are events, it is started again when it ends, and stopped
 * by SIGTERM and, after `killGrace`, SIGKILL. It runs in a task of its own, which leaving its scope ends.
 *
 * Its stdin is a PIPE; stdout and stderr are the parent's unless somebody listens to them.
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
  /** Reached when the present life is to end. */
  #halt = new Milestone()
  /** How often a stop was asked for. */
  #stops = 0

  constructor(program: string, args: readonly string[] = [], options: ManagedProcessOptions = {}) {
    checkSpawn(program, args, options)
    checkManaged(options)
    this.#program = program
    this.#args = args
    this.#options = options
  }

  get state(): ManagedState {
    return this.#state
  }

  /** Null while it does not run. */
  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** How often it was started again, by itself or by `restart`. */
  get restarts(): number {
    return this.#restarts
  }

  /**
   * Starts it and waits until it is ready. A cancel stops it. Before it has been ready once it is not
   * started again.
   *
   * @throws {NotReadyError} when it ends before
   * @throws {TimeoutError} when it was not ready within `readyTimeout`; it is stopped
   * @throws {CancelledError} when its `signal` has aborted
   * @throws {RuntimeError} when it is started already
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
    this.#halt = new Milestone()
    this.#life = createTask(() => this.#live(), { name: `process ${this.#program}` })
    try {
      await shield(ready)
    } catch (error) {
      if (this.#life.done()) throw error
      // Cancelled, or not ready in time. Nobody is left to be told how it ends.
      this.#ready = null
      await this.#untilStopped()
      throw error
    }
  }

  /**
   * Stops it and gives its code; once it has stopped, its last one. It is not started again, not by a
   * `restart` under way either. A listener that has not settled `killGrace` after the end is given up.
   *
   * @throws {RuntimeError} when it was never started
   */
  async stop(): Promise<number> {
    if (this.#life === null) throw new RuntimeError(`${this.#program} was never started`)
    await this.#untilStopped()
    return this.wait()
  }

  /**
   * Stops it and starts it anew.
   *
   * @throws {RuntimeError} when it was stopped, or restarted once more, before that; and as `stop` and `start` do
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
   * Waits until it has ended and will not be started again, and gives its last code. Its lines have all
   * been heard by then.
   *
   * @throws {RuntimeError} when it was never started
   */
  async wait(): Promise<number> {
    const returncode = this.#life === null ? null : await shield(this.#life)
    if (returncode === null) throw new RuntimeError(`${this.#program} was never started`)
    return returncode
  }

  /**
   * Writes a line to its stdin, and waits while it does not take it.
   *
   * @throws {TypeError} when `line` is no string
   * @throws {RuntimeError} when it does not run or its stdin is no PIPE
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

  /** No cancel cuts this short: at most `killGrace` from here it has gone, and after another its listeners. */
  async #untilStopped(): Promise<void> {
    const life = this.#life as Task<number | null>
    this.#stops++
    if (!life.done()) this.#haltLife()
    let cancelled: unknown = null
    while (!life.done()) {
      try {
        await shield(life)
      } catch (error) {
        if (!isCancelled(error)) throw error
        if (!life.done()) cancelled = error
      }
    }
    if (cancelled !== null) throw cancelled as CancelledError
  }

  #haltLife(): void {
    this.#state = 'stopping'
    this.#halt.reach()
  }

  /** Its code when it has stopped for good; null when it never ran. */
  async #live(): Promise<number | null> {
    const { signal, restart = 'never' } = this.#options
    const stop = (): void => this.#haltLife()
    // Before this task began nobody listened.
    if (signal?.aborted === true) stop()
    signal?.addEventListener('abort', stop)
    const backoff = new RestartDelays(this.#options.backoff ?? {})
    let last: number | null = null
    try {
      for (;;) {
        const startedAt = getEventLoop().time()
        const returncode = await this.#liveOnce()
        last = returncode ?? last
        if (this.#ready !== null || this.#halt.reached) return last
        if (restart === 'never' || (restart === 'on-failure' && returncode === 0)) return last
        this.#state = 'backing-off'
        await this.#rest(backoff.next(getEventLoop().time() - startedAt))
        if (this.#halt.reached) return last
        this.#restarts++
        this.#state = 'starting'
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      this.#state = 'stopped'
    }
  }

  /** So long, or until it is to stop. */
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

  /** Starts it and waits for its end, and for its last line. Null when it could not be started. */
  async #liveOnce(): Promise<number | null> {
    const { signal, ...options } = this.#options
    const hears = options.ready !== undefined
    const listened = (callback: unknown): typeof PIPE | undefined =>
      hears || callback !== undefined ? PIPE : undefined
    let child: Process
    try {
      child = await createSubprocessExec(this.#program, this.#args, {
        ...options,
        stdin: options.stdin ?? PIPE,
        stdout: options.stdout ?? listened(options.onStdout),
        stderr: options.stderr ?? listened(options.onStderr),
      })
    } catch (error) {
      this.#fail(error)
      return null
    }
    await using _ = child
    this.#child = child
    const deaf = new Milestone()
    const forget = this.#endWhenHalted(child, deaf)
    const timer = this.#watchReadiness(child)
    const listeners = [
      this.#listen(child.stdout, options.onStdout, deaf),
      this.#listen(child.stderr, options.onStderr, deaf),
    ]
    try {
      const [returncode, heard] = await Promise.all([
        waitToTheEnd(child),
        Promise.race([
          Promise.all(listeners),
          new Promise<null>((resolve) => deaf.on(() => resolve(null))),
        ]),
      ])
      if (heard === null) {
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
        const ended = new NotReadyError([this.#program, ...this.#args], child.returncode)
        this.#fail(signal?.aborted === true ? abortError(signal) : ended)
      }
    }
  }

  /** Ends `child` when it is to stop. Its listeners may hold it for `killGrace` more, then `deaf` is reached. */
  #endWhenHalted(child: Process, deaf: Milestone): () => void {
    const { killGrace = defaultKillGrace } = this.#options
    const steps: (() => void)[] = []
    const onGone = (): void => {
      steps.push(afterDelay(killGrace, () => deaf.reach()))
    }
    const onHalt = (): void => {
      steps.push(child.stop().on(onGone))
    }
    steps.push(this.#halt.on(onHalt))
    return () => {
      for (const takeBack of steps) takeBack()
    }
  }

  /** Before it was ready once `start` is told, afterwards the loop's exception handler. */
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

  /** In a task of its own: a listener that cancels its own work, by a timeout, must not hit the process. */
  #listen(
    reader: StreamReader | null,
    callback: Listener | undefined,
    deaf: Milestone,
  ): Task<void> {
    return createTask(() => this.#hear(reader, callback, deaf), {
      name: `lines of ${this.#program}`,
    })
  }

  async #hear(
    reader: StreamReader | null,
    callback: Listener | undefined,
    deaf: Milestone,
  ): Promise<void> {
    if (reader === null) return
    for await (const line of textLines(reader)) {
      await this.#tell(line, (each) => this.#lookForReadiness(each))
      if (callback !== undefined) await this.#tell(line, callback)
      if (deaf.reached) return
    }
  }

  /** A listener that fails misses nothing of what follows. */
  async #tell(line: string, listener: Listener): Promise<void> {
    try {
      await listener(line)
    } catch (error) {
      if (isCancelled(error) && currentTask()?.cancelling() !== 0) throw error
      const message = `a listener to the lines of ${this.#program} failed`
      getEventLoop().callExceptionHandler({ message, exception: error })
    }
  }

  #lookForReadiness(line: string): void {
    const { ready } = this.#options
    if (ready === undefined || this.#state !== 'starting') return
    // `test` of an expression with the g flag would begin where it last stopped.
    if (typeof ready === 'function' ? ready(line) : line.search(ready) !== -1) this.#becomeReady()
  }
}

/** Its code also where its `timeout` has ended it: for what is to stay that is one end like another. */
async function waitToTheEnd(child: Process): Promise<number> {
  try {
    return await child.wait()
  } catch (error) {
    if (error instanceof TimeoutExpired) return child.returncode as number
    throw error
  }
}
