import { isCancelled, RuntimeError } from '@tasktree/core'
import { checkOptions, describe, waitAnyway } from '@tasktree/core/lowlevel'
import { StreamReader, StreamWriter } from '@tasktree/streams'
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { waitForAll } from './wait-for-all.ts'
import { Communication, type Outputs } from './communication.ts'
import { type Cut, Ending } from './ending.ts'
import { ProcessLookupError, TimeoutExpired } from './errors.ts'
import { endWhenSilent } from './held-pipe.ts'
import { processTracing } from './tracing.ts'
import type { OneShotEvent } from './one-shot-event.ts'
import { checkDuration, defaultKillGrace, type SpawnOptions } from './options.ts'
import { checkSendable } from './check-signal.ts'
import { Owner } from './owner.ts'
import { addToSnapshots, type ProcessSnapshot, showProcess } from './process-snapshot.ts'
import { PendingSignals } from './pending-signals.ts'
import { isFatalRealTimeSignal, RealTimeEnd, toReturncode } from './returncode.ts'
import { StdioCopies } from './stdio-copies.ts'

/** The outputs of a process that has ended, and why this program has ended it. */
export interface Captured extends Outputs {
  cut: Cut | null
}

export interface ProcessWaitOptions {
  /** A signal that stops the waiting when it aborts. The process continues. */
  signal?: AbortSignal | undefined
  /**
   * After this many milliseconds the waiting stops with TimeoutExpired. The process continues. @defaultValue no limit
   */
  timeout?: number | undefined
}

/** @internal the parts of a child process that was just started; the constructor of Process takes them */
export interface Started {
  readonly child: ChildProcess
  readonly stdin: ChildProcess['stdin']
  readonly stdout: Socket | null
  readonly stderr: Socket | null
  readonly args: readonly string[]
  readonly options: SpawnOptions
  readonly group: boolean
  readonly foreground: boolean
}

/**
 * A child process. The task that started it owns it. When the owner is cancelled or fails, or when the scope that holds
 * the process is left, the process and its whole group are sent SIGTERM, and after `killGrace` SIGKILL. If the process
 * ends by itself, processes that it started and left running are not ended.
 *
 * @example
 *     await using process = await createSubprocessExec('cat', [], { stdin: PIPE, stdout: PIPE })
 *     const [output] = await process.communicate('hello')
 *     console.log(String(output), process.returncode) // hello 0
 *
 * Source: asyncio.subprocess.Process
 */
export class Process implements AsyncDisposable {
  /** Writes to the stdin of the process; null when the option `stdin` is not PIPE. */
  readonly stdin: StreamWriter | null
  /** Reads the stdout of the process; null when the option `stdout` is not PIPE. */
  readonly stdout: StreamReader | null
  /** Reads the stderr of the process; null when the option `stderr` is not PIPE. */
  readonly stderr: StreamReader | null
  readonly #started: Started
  readonly #owner = new Owner()
  readonly #ending: Ending
  readonly #copies: StdioCopies
  /** The input and the outputs of `communicate`. If a call is cancelled, the next call continues with them. */
  readonly #communication: Communication
  #returncode: number | null = null
  readonly #startedAt = performance.now()
  readonly #realTime: RealTimeEnd

  /** @internal use createSubprocessExec */
  constructor(started: Started) {
    this.#started = started
    const { child, options, group, foreground, args } = started
    const { stdin: source, stdout: out, stderr: err, limit } = options
    const reader = (pipe: Socket | null): StreamReader | null =>
      pipe === null ? null : StreamReader.from(pipe, { limit })
    // The readers are made before anything depends on this process, because they refuse a wrong limit.
    const [stdout, stderr] = [reader(started.stdout), reader(started.stderr)]
    this.#realTime = new RealTimeEnd(child.pid as number)
    this.#ending = new Ending({
      pid: child.pid as number,
      program: args[0] as string,
      group,
      foreground,
      killGrace: options.killGrace ?? defaultKillGrace,
      timeout: options.timeout,
      signal: options.signal,
    })
    this.#copies = new StdioCopies(this, {
      pid: this.pid,
      exited: this.#ending.exited,
      cutOff: this.#ending.cutOff,
    })
    const stdin = started.stdin === null ? null : StreamWriter.to(started.stdin)
    this.stdin = this.#copies.connectIn(source, stdin)
    this.stdout = this.#copies.connectOut(stdout, out, started.stdout)
    this.stderr = this.#copies.connectOut(stderr, err, started.stderr)
    this.#communication = new Communication(this.stdin, this.stdout, this.stderr)
    // When the child exits, Node resumes all pipes in `child.stdio`, even those that a slow reader has paused. Output
    // of a grandchild would then fill the memory. So the pipes are removed from this array.
    child.stdio.fill(null)
    // If the child had the terminal, its end is handled only after each Ctrl-C that was meant for the child has come.
    // The listeners of other code, which must not hear that Ctrl-C, are added back then.
    const signals = foreground ? new PendingSignals() : null
    child.once('exit', (code, signal) => {
      if (signals === null) this.#onExit(code, signal)
      else signals.whenHeard(() => this.#onExit(code, signal))
    })
    for (const pipe of [started.stdout, started.stderr]) {
      pipe?.once('end', () => {
        if (this.#returncode === null) this.#realTime.onPipeEnd()
      })
    }
    this.#endWithOwner()
    addToSnapshots(this)
    if (processTracing.isOn) {
      const trace = { process: this, pid: this.pid, program: args[0] as string }
      processTracing.run(this, trace, () => {})
    }
  }

  /** @internal returns the description of this process for snapshots */
  shown(): ProcessSnapshot {
    return showProcess(
      this.pid,
      this.#started.args,
      this.#owner.task,
      this.#ending.begun,
      this.#startedAt,
    )
  }

  get pid(): number {
    return this.#started.child.pid as number
  }

  /** The exit code; null while the process runs; -N when signal N has ended it. */
  get returncode(): number | null {
    return this.#returncode
  }

  /**
   * Waits until the process has ended, and until all of its output has been written to the StreamWriters that it was
   * given. When the owner of the process is cancelled in this call, the process is ended first. A cancel of any other
   * task, an abort of `signal` and the `timeout` end the waiting only.
   *
   * @throws {TimeoutExpired} when the `timeout` of the process has ended it, or when the `timeout` of this call has
   * passed
   * @throws {CancelledError} when the caller is cancelled, when the `signal` of the process has ended it, or when the
   * `signal` of this call has aborted
   * @throws {ConnectionResetError} when a StreamWriter that the process was given has closed before all output was written
   * @throws the error of a StreamReader or a StreamWriter that the process was given, when that stream has failed
   * @throws {RuntimeError} when the run in which the process was started has ended, and has cut off the copying to or from
   * such a stream
   * @throws {TypeError} when an option of this call has a wrong type
   * @throws {RangeError} when the `timeout` of this call is below 0
   */
  wait(options?: ProcessWaitOptions): Promise<number> {
    checkWait(options)
    return this.#wait(options)
  }

  async #wait(options: ProcessWaitOptions | undefined): Promise<number> {
    await this.#untilDone(options, (signal) => [this.#untilExited(signal)])
    this.#throwCut({ stdout: null, stderr: null })
    return this.#returncode as number
  }

  /**
   * Writes `input` and closes the stdin of the process, reads all of its output, and waits for its end. Returns stdout
   * and stderr, with null for an output that is not a PIPE. The call cannot deadlock, and takes at most 80 MiB more
   * memory than the output that it returns. If the process closes its stdin early, that is not an error.
   *
   * A cancel has the same effects as in `wait`. A call that was cancelled loses no data: the next call continues with
   * the input where that call stopped, and returns all of the output.
   *
   * @throws {TypeError} for an `input` that is neither bytes nor a string, and for any `input` when stdin is not a PIPE
   * @throws {RuntimeError} for an `input` in a later call, because the first call has closed stdin, or was cancelled and is
   * now continued; for an `input` after `writeEof` of stdin; and when stdout or stderr was closed, or another read of it
   * waits
   * @throws the error of the pipe of stdout or stderr, when reading has failed
   * @throws what `wait` throws; a TimeoutExpired has the output until then
   */
  communicate(
    input?: Uint8Array | string,
    options?: ProcessWaitOptions,
  ): Promise<[Buffer | null, Buffer | null]> {
    checkInput(input)
    if (input !== undefined && this.stdin === null)
      throw new TypeError('communicate() was given input, and stdin is no PIPE')
    checkWait(options)
    if (input !== undefined && this.#communication.hasBegun) {
      throw new RuntimeError(
        'communicate() takes input in its first call only: a later call continues with that input',
      )
    }
    return this.#communicate(input, options)
  }

  async #communicate(
    input: Uint8Array | string | undefined,
    options: ProcessWaitOptions | undefined,
  ): Promise<[Buffer | null, Buffer | null]> {
    const { stdout, stderr } = await this.capture(input, Infinity, options)
    this.#throwCut({ stdout, stderr })
    return [stdout, stderr]
  }

  /**
   * @internal does the work of `communicate`, and is also used by `run`. If the timeout or the signal of the process has
   * ended it, nothing is thrown, and `cut` of the result says why. A process that writes more than `max` bytes is ended.
   */
  async capture(
    input: Uint8Array | string | undefined,
    max: number,
    options?: ProcessWaitOptions,
  ): Promise<Captured> {
    const communication = this.#communication
    communication.begin(input)
    await this.#untilDone(options, (signal) => [
      ...communication.branches(signal, max, (over) => this.#ending.begin({ over })),
      this.#untilExited(signal),
    ])
    return { ...communication.take(), cut: this.#ending.cut }
  }

  /**
   * @internal called when a call begins to read an output of the process. Until the returned function is called, the options
   * `timeout` and `signal` apply even after the exit
   */
  enterCall(): () => void {
    return this.#ending.enterCall()
  }

  /** @internal closes stdout, because no code reads it any more: the next write of the process fails with SIGPIPE */
  closeOutput(): void {
    this.#started.stdout?.destroy()
  }

  /**
   * Sends a signal to the process, or to its whole group if it has one.
   *
   * @throws {TypeError} when `signal` is neither the name of a signal nor a number
   * @throws {RangeError} when there is no signal of that number
   * @throws {ProcessLookupError} when the process has ended
   * @throws {PermissionError} when the process belongs to another user
   */
  sendSignal(signal: NodeJS.Signals | number): void {
    checkSendable(signal)
    if (this.#returncode !== null)
      throw new ProcessLookupError(`process ${this.pid} has ended with ${this.#returncode}`)
    const isFatal = isFatalRealTimeSignal(this.pid, signal)
    this.#ending.send(signal)
    if (isFatal) this.#realTime.signal ??= signal as number
  }

  /** Sends SIGTERM. @throws {ProcessLookupError} when the process has ended */
  terminate(): void {
    this.sendSignal('SIGTERM')
  }

  /** Sends SIGKILL. @throws {ProcessLookupError} when the process has ended */
  kill(): void {
    this.sendSignal('SIGKILL')
  }

  /**
   * Ends the process if it runs: SIGTERM, and after `killGrace` SIGKILL. Waits for the end even if the caller is
   * cancelled, and then closes the pipes. Later reads of an output get the bytes that have come. If the output had not
   * ended by then, a read that needs more bytes throws RuntimeError.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const gone = this.stop()
    try {
      // The process must not outlive its scope, so this wait continues after a cancel. The process gets SIGKILL after
      // `killGrace`, which ends the wait soon.
      await waitAnyway(() => gone.wait())
    } finally {
      this.#closePipes()
    }
  }

  /** @internal ends the process, as at the end of its scope, but keeps its pipes open, so that its output can be read */
  stop(): OneShotEvent {
    return this.#ending.begin(null)
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    this.#returncode = toReturncode(code, signal, this.#realTime.signal)
    if (processTracing.isLive) {
      const isEnded = this.#ending.begun && this.#returncode !== 0
      processTracing.settle(this, isEnded ? { cancelled: true } : { result: this.#returncode })
    }
    this.#ending.exited.happen()
    const isGone = (): boolean => this.#ending.isGone
    endWhenSilent(this.#started.stdout, isGone)
    endWhenSilent(this.#started.stderr, isGone)
  }

  async #untilExited(signal: AbortSignal): Promise<void> {
    await this.#ending.exited.wait(signal, () => ({
      kind: 'process',
      label: `the exit of child process ${this.pid}`,
      note: this.shown().command,
    }))
    await this.#copies.untilDone(signal)
  }

  /**
   * Waits for all promises that `begin` returns. If the owner is cancelled in this wait, the process is ended first.
   */
  async #untilDone(
    options: ProcessWaitOptions = {},
    begin: (signal: AbortSignal) => Promise<void>[],
  ): Promise<void> {
    const leave = this.#ending.enterCall()
    try {
      await waitForAll(options, begin, async (error, by) => {
        if (by === 'timeout') throw this.#expired(options.timeout as number)
        if (by === 'other' && isCancelled(error) && this.#owner.isCallerAndCancelled())
          await this[Symbol.asyncDispose]()
      })
    } finally {
      leave()
    }
  }

  #expired(timeout: number): TimeoutExpired {
    return new TimeoutExpired(this.#started.args, timeout, this.#communication.copy())
  }

  #endWithOwner(): void {
    const forget = this.#owner.onFailure(() => {
      this.#ending.begin(null).on(() => this.#closePipes())
    })
    // The owner is observed until the pipes are closed. The exit of the process would be too early, because the pipes
    // may stay open after it, and they must not outlive the owner.
    if (forget !== null) this.#whenClosed(forget)
  }

  /** Calls `callback` once the process has exited and its pipes are closed. */
  #whenClosed(callback: () => void): void {
    const { stdin, stdout, stderr } = this.#started
    const pipes = [stdin, stdout, stderr].filter((pipe) => pipe !== null)
    let left = pipes.length + 1
    const close = (): void => {
      if (--left === 0) callback()
    }
    for (const pipe of pipes) pipe.once('close', close)
    this.#ending.exited.on(close)
  }

  #closePipes(): void {
    this.#copies.cancelAll()
    this.stdin?.abort()
    const closed = `the output of process ${this.pid} was closed with its scope or its owner, before its end`
    // Without this error, a read that needs more bytes than have come would throw "Premature close" of Node.
    for (const reader of [this.stdout, this.stderr]) reader?.feedEof(new RuntimeError(closed))
    const { stdin, stdout, stderr } = this.#started
    for (const pipe of [stdin, stdout, stderr]) pipe?.destroy()
  }

  #throwCut(captured: { stdout: Buffer | null; stderr: Buffer | null }): void {
    const { cut } = this.#ending
    const { args, options } = this.#started
    if (cut === 'timeout') throw new TimeoutExpired(args, options.timeout as number, captured)
    if (isCancelled(cut)) throw cut
  }
}

function checkWait(options: ProcessWaitOptions | undefined): void {
  checkOptions(options)
  checkDuration('timeout', options?.timeout)
}

export function checkInput(input: unknown): void {
  if (input === undefined || typeof input === 'string' || input instanceof Uint8Array) return
  throw new TypeError(`input must be a Uint8Array or a string, got ${describe(input)}`)
}
