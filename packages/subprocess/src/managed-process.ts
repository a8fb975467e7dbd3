import { RuntimeError } from '@tasktree/core'
import { abortError, describe } from '@tasktree/core/lowlevel'
import { ManagedLife, type ManagedState } from './managed-life.ts'
import { checkManaged, type ManagedProcessOptions } from './managed-options.ts'
import { checkSpawn, ownOptions } from './options.ts'

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
  /** The life that the last call of `start` began; null before the first call. */
  #life: ManagedLife | null = null
  #restarts = 0
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
    return this.#life?.state ?? 'idle'
  }

  /**
   * The process id; null while the process does not run. After the end of the process, the id stays until the listeners
   * have got the last lines.
   */
  get pid(): number | null {
    return this.#life?.child?.pid ?? null
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
    const { state } = this
    if (state !== 'idle' && state !== 'stopped')
      throw new RuntimeError(`${this.#program} cannot be started: it is ${state}`)
    const { signal } = this.#options
    if (signal?.aborted === true) throw abortError(signal)
    const onRestart = (): void => {
      this.#restarts++
    }
    this.#life = new ManagedLife(this.#program, this.#args, this.#options, onRestart)
    await this.#life.untilReady()
  }

  /**
   * Stops the process and returns its last code. The process is not started again, not even by an earlier call of
   * `restart`. A listener that has not settled within `killGrace` after the end of the process is no longer waited for.
   *
   * @throws {RuntimeError} when the process was never started, or could not be started
   * @throws the error of a StreamReader or a StreamWriter that the process was given, when that stream has failed
   */
  async stop(): Promise<number> {
    const life = this.#started()
    this.#stops++
    await life.stop()
    return life.wait()
  }

  /**
   * Stops the process, if it runs, and starts a new one.
   *
   * @throws {RuntimeError} when the process was never started, and when `stop` or another `restart` was called before the
   * new process was started
   * @throws the error of a StreamReader or a StreamWriter that the process was given, when that stream has failed
   * @throws what `start` throws
   */
  async restart(): Promise<void> {
    const life = this.#started()
    const stops = ++this.#stops
    await life.stop()
    if (this.#stops !== stops)
      throw new RuntimeError(`${this.#program} was stopped while it was restarted`)
    this.#restarts++
    await this.start()
  }

  /**
   * Waits until the process has ended and will not be started again, and returns its last code. By then the listeners
   * have got all lines, unless `stop` has given up a listener that did not settle. The process also ends when the run in
   * which it was started ends. Its code can still be asked for after that.
   *
   * @throws {RuntimeError} when the process was never started, or could not be started
   * @throws the error of a StreamReader or a StreamWriter that the process was given, when that stream has failed
   */
  async wait(): Promise<number> {
    return this.#started().wait()
  }

  #started(): ManagedLife {
    if (this.#life === null) throw new RuntimeError(`${this.#program} was never started`)
    return this.#life
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
    const stdin = this.#life?.child?.stdin ?? null
    if (stdin === null) {
      const why = this.pid === null ? `it is ${this.state}` : 'its stdin is no PIPE'
      throw new RuntimeError(`cannot write to ${this.#program}: ${why}`)
    }
    stdin.write(`${line}\n`)
    await stdin.drain()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stops++
    await this.#life?.stop()
  }
}
