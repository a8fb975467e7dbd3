import {
  type CancelledError,
  createTask,
  currentTask,
  getEventLoop,
  isCancelled,
  shield,
  type Task,
} from '@tasktree/core'
import {
  abortError,
  cancelOnAbort,
  checkOptions,
  describe,
  hasFailed,
  observe,
} from '@tasktree/core/lowlevel'
import { ConnectionResetError, OSError, StreamReader, StreamWriter } from '@tasktree/streams'
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { PermissionError, ProcessLookupError, TimeoutExpired } from './errors.ts'
import { Milestone } from './milestone.ts'
import { defaultKillGrace, type SpawnOptions, toReturncode } from './options.ts'
import { readOutput } from './output.ts'
import { endWithParent } from './parent-end.ts'
import { afterDelay } from './real-timer.ts'
import { terminate } from './termination.ts'

/** Silence on a child's pipes after its exit, in milliseconds, before they are given up: a grandchild may hold them. */
const drainGrace = 100

/** Why a process was ended from here, other than by its owner's end. */
export type Cut = 'timeout' | CancelledError | { over: 'stdout' | 'stderr' }

/** Everything a process wrote: null for what was no pipe. */
export interface Captured {
  stdout: Buffer | null
  stderr: Buffer | null
  cut: Cut | null
}

/**
 * A child process. It dies with its owner, the task that started it: when that task is cancelled or
 * fails, or when the scope that holds the process is left, it is sent SIGTERM, and SIGKILL after
 * `killGrace`, with its whole group. What it has left running after it ended by itself is left alone.
 *
 * Source: asyncio.subprocess.Process
 */
export class Process implements AsyncDisposable {
  /** To its stdin, when that is a PIPE. */
  readonly stdin: StreamWriter | null
  /** From its stdout, when that is a PIPE. */
  readonly stdout: StreamReader | null
  /** From its stderr, when that is a PIPE. */
  readonly stderr: StreamReader | null
  readonly #child: ChildProcess
  readonly #args: readonly string[]
  readonly #options: SpawnOptions
  readonly #group: boolean
  readonly #owner: Task | null = currentTask()
  readonly #exited = new Milestone()
  /** What copies between the process and the caller's own readers and writers. */
  readonly #copies: Task<void>[] = []
  #returncode: number | null = null
  #cut: Cut | null = null
  /** Set when it is being ended from here: reached when nothing is left of its group. */
  #gone: Milestone | null = null

  /** @internal use createSubprocessExec */
  constructor(child: ChildProcess, args: readonly string[], options: SpawnOptions, group: boolean) {
    this.#child = child
    this.#args = args
    this.#options = options
    this.#group = group
    const { limit } = options
    this.stdin = child.stdin === null ? null : StreamWriter.to(child.stdin)
    this.stdout = child.stdout === null ? null : StreamReader.from(child.stdout, { limit })
    this.stderr = child.stderr === null ? null : StreamReader.from(child.stderr, { limit })
    if (options.stdin instanceof StreamReader) {
      this.#copyIn(options.stdin, this.stdin as StreamWriter)
      this.stdin = null
    }
    if (options.stdout instanceof StreamWriter) {
      this.#copyOut(this.stdout as StreamReader, options.stdout, child.stdout as Socket)
      this.stdout = null
    }
    if (options.stderr instanceof StreamWriter) {
      this.#copyOut(this.stderr as StreamReader, options.stderr, child.stderr as Socket)
      this.stderr = null
    }
    // At the exit Node would let the pipes flow that it finds here, also those that a slow reader has paused:
    // what a grandchild goes on writing would fill the memory.
    child.stdio.fill(null)
    child.once('exit', (code, signal) => {
      this.#returncode = toReturncode(code, signal)
      this.#exited.reach()
      this.#endWhenSilent(child.stdout as Socket | null)
      this.#endWhenSilent(child.stderr as Socket | null)
    })
    this.#endWithOthers()
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** Null while it runs; -N when it was ended by signal N. */
  get returncode(): number | null {
    return this.#returncode
  }

  /**
   * Waits for its end, and until what it wrote has come through to a StreamWriter. The cancel of its
   * owner ends it first; any other task's, and an abort of `signal`, ends the waiting only.
   *
   * @throws {TimeoutExpired} when its `timeout` has ended it
   * @throws {CancelledError} when its `signal` has ended it
   */
  wait(options?: { signal?: AbortSignal | undefined }): Promise<number> {
    checkOptions(options)
    return this.#wait(options?.signal)
  }

  async #wait(signal: AbortSignal | undefined): Promise<number> {
    await this.#endWhenCancelled(async () => {
      await this.#exited.wait(signal)
      for (const copy of this.#copies) await cancelOnAbort(shield(copy), signal)
    })
    this.#throwCut({ stdout: null, stderr: null })
    return this.#returncode as number
  }

  /**
   * Writes `input` and closes its stdin, reads all output, and waits for its end. It cannot deadlock,
   * and holds no more than what it returns: null for what is no PIPE. A process that closes its stdin
   * early is no error. Cancelled as `wait` is.
   *
   * @throws {TypeError} for `input` that is no bytes, and when stdin is no PIPE
   * @throws {TimeoutExpired} when its `timeout` has ended it, with what was read
   * @throws {CancelledError} when its `signal` has ended it
   */
  communicate(
    input?: Uint8Array | string,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<[Buffer | null, Buffer | null]> {
    checkInput(input)
    if (input !== undefined && this.stdin === null)
      throw new TypeError('communicate() was given input, and stdin is no PIPE')
    checkOptions(options)
    return this.#communicate(input, options?.signal)
  }

  async #communicate(
    input: Uint8Array | string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<[Buffer | null, Buffer | null]> {
    const { stdout, stderr } = await this.capture(input, Infinity, signal)
    this.#throwCut({ stdout, stderr })
    return [stdout, stderr]
  }

  /** @internal `communicate` for `run`, which says itself what a cut means. Above `max` bytes the process is ended. */
  async capture(
    input: Uint8Array | string | undefined,
    max: number,
    signal?: AbortSignal,
  ): Promise<Captured> {
    const read = async (which: 'stdout' | 'stderr'): Promise<Buffer | null> => {
      const reader = this[which]
      if (reader === null) return null
      return readOutput(reader, max, signal, () => this.#end({ over: which }))
    }
    return this.#endWhenCancelled(async () => {
      const [stdout, stderr] = await Promise.all([
        read('stdout'),
        read('stderr'),
        this.#feed(input, signal),
        this.#exited.wait(signal),
        ...this.#copies.map((copy) => shield(copy)),
      ])
      return { stdout, stderr, cut: this.#cut }
    })
  }

  /** @internal nobody reads its stdout any more: it is to notice, by SIGPIPE */
  closeOutput(): void {
    this.#child.stdout?.destroy()
  }

  /**
   * Sends a signal, to its whole group where it has one.
   *
   * @throws {ProcessLookupError} when it has ended
   */
  sendSignal(signal: NodeJS.Signals | number): void {
    if (this.#returncode !== null)
      throw new ProcessLookupError(`process ${this.pid} has ended with ${this.#returncode}`)
    this.#send(signal)
  }

  /** Sends SIGTERM. @throws {ProcessLookupError} when it has ended */
  terminate(): void {
    this.sendSignal('SIGTERM')
  }

  /** Sends SIGKILL. @throws {ProcessLookupError} when it has ended */
  kill(): void {
    this.sendSignal('SIGKILL')
  }

  /** Ends it when it runs: SIGTERM, after `killGrace` SIGKILL. No cancel cuts this short. */
  async [Symbol.asyncDispose](): Promise<void> {
    const gone = this.stop()
    let cancelled: unknown = null
    while (!gone.reached) {
      try {
        await gone.wait()
      } catch (error) {
        // It must be gone when its scope is: at most `killGrace` from here.
        cancelled = error
      }
    }
    this.#closePipes()
    if (cancelled !== null) throw cancelled as CancelledError
  }

  /** @internal as leaving its scope, but what it has written can still be read */
  stop(): Milestone {
    return this.#end(null)
  }

  /** The owner's cancel ends the process; the owner waits for that. */
  async #endWhenCancelled<T>(body: () => Promise<T>): Promise<T> {
    try {
      return await body()
    } catch (error) {
      const owner = this.#owner
      if (isCancelled(error) && owner !== null && owner === currentTask() && owner.cancelling() > 0)
        await this[Symbol.asyncDispose]()
      throw error
    }
  }

  #endWithOthers(): void {
    const { signal, timeout = Infinity } = this.#options
    const stops = [
      endWithParent({
        group: this.#group,
        send: (each) => this.#trySend(each),
        end: (first, gone) => this.#terminate(first, gone),
      }),
      afterDelay(timeout, () => this.#end('timeout')),
    ]
    if (this.#owner !== null) {
      const forget = observe(this.#owner, (owner) => {
        if (owner.cancelled() || hasFailed(owner)) this.#end(null).on(() => this.#closePipes())
      })
      // Not at its exit: what it wrote is still to be read, from pipes that must not outlive the owner either.
      this.#child.once('close', forget)
    }
    if (signal !== undefined) {
      const abort = (): void => {
        this.#end(abortError(signal))
      }
      signal.addEventListener('abort', abort)
      stops.push(() => signal.removeEventListener('abort', abort))
    }
    this.#exited.on(() => {
      for (const stop of stops) stop()
    })
  }

  /** Ends it, for `cut` when it has not ended yet. */
  #end(cut: Cut | null): Milestone {
    if (this.#gone === null) {
      const gone = new Milestone()
      this.#gone = gone
      if (this.#returncode === null) this.#cut = cut
      this.#terminate('SIGTERM', () => gone.reach())
    }
    return this.#gone
  }

  #terminate(first: NodeJS.Signals, gone: () => void): void {
    if (this.#returncode !== null) return gone()
    terminate(
      {
        pid: this.pid,
        group: this.#group,
        killGrace: this.#options.killGrace ?? defaultKillGrace,
        send: (signal) => this.#trySend(signal),
        onExit: (callback) => this.#exited.on(callback),
      },
      first,
      gone,
    )
  }

  #closePipes(): void {
    for (const copy of this.#copies) copy.cancel()
    this.stdin?.abort()
    this.#child.stdin?.destroy()
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
  }

  #send(signal: NodeJS.Signals | number): void {
    try {
      process.kill(this.#group ? -this.pid : this.pid, signal)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      // It has just ended, and we are about to hear of it.
      if (code === 'ESRCH') return
      if (code !== 'EPERM') throw error
      throw new PermissionError(`not allowed to signal process ${this.pid}: ${message}`, {
        code,
        syscall: 'kill',
        path: this.#args[0] as string,
        cause: error,
      })
    }
  }

  /** Where nobody could be told by a throw. */
  #trySend(signal: NodeJS.Signals): void {
    try {
      this.#send(signal)
    } catch (error) {
      const message = `process ${this.pid} could not be ended`
      getEventLoop().callExceptionHandler({ message, exception: error })
    }
  }

  #throwCut(captured: { stdout: Buffer | null; stderr: Buffer | null }): void {
    if (this.#cut === 'timeout')
      throw new TimeoutExpired(this.#args, this.#options.timeout as number, captured)
    if (isCancelled(this.#cut)) throw this.#cut
  }

  async #feed(
    input: Uint8Array | string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (this.stdin === null) return
    if (input !== undefined) {
      this.stdin.write(input)
      try {
        await this.stdin.drain({ signal })
      } catch (error) {
        // It closed its stdin early: as in Python that is its own business.
        if (!(error instanceof OSError)) throw error
      }
    }
    this.stdin.close()
  }

  #copyIn(source: StreamReader, stdin: StreamWriter): void {
    const task = createTask(
      async () => {
        try {
          await pump(source, stdin)
        } catch (error) {
          const itsOwnEnd = isCancelled(error) && this.#returncode !== null
          const closedEarly = error instanceof OSError && source.exception() === null
          if (!itsOwnEnd && !closedEarly) throw error
        } finally {
          stdin.close()
        }
      },
      { name: `stdin of process ${this.pid}` },
    )
    this.#exited.on(() => task.cancel())
    this.#copies.push(task)
  }

  #copyOut(stdout: StreamReader, sink: StreamWriter, pipe: Socket): void {
    const task = createTask(
      async () => {
        try {
          await pump(stdout, sink)
        } catch (error) {
          // Nobody takes its output any more: it is to notice.
          pipe.destroy()
          if (this.#gone !== null && (isCancelled(error) || stdout.exception() !== null)) return
          throw error
        }
      },
      { name: `output of process ${this.pid}` },
    )
    // What was ended from here is not held by a writer that takes nothing.
    let stop = (): void => {}
    this.#exited.on(() => {
      if (this.#gone !== null && !task.done()) stop = afterDelay(drainGrace, () => task.cancel())
    })
    task.addDoneCallback(() => stop())
    this.#copies.push(task)
  }

  /** A grandchild may hold the pipe: after some silence its end is declared. Nothing that is still coming is cut. */
  #endWhenSilent(pipe: Socket | null): void {
    if (pipe === null || pipe.readableEnded || pipe.closed) return
    let seen = pipe.bytesRead
    const look = (): void => {
      const silent = pipe.bytesRead === seen && pipe.readableLength === 0
      // Ended from here: then nobody of its group is left to write.
      if (this.#gone !== null || (silent && !pipe.isPaused())) {
        pipe.once('end', () => pipe.destroy())
        pipe.push(null)
        return
      }
      seen = pipe.bytesRead
      // Its reader is slow, and there is more to come; a timer would keep a program that never reads it.
      if (pipe.isPaused()) pipe.once('resume', lookLater)
      else lookLater()
    }
    let stop = (): void => {}
    const lookLater = (): void => {
      stop = afterDelay(drainGrace, look)
    }
    lookLater()
    pipe.once('close', () => stop())
  }
}

/** As `copy`, but one of the two ends before the other as a rule, which is no reason to warn. */
async function pump(from: StreamReader, to: StreamWriter): Promise<void> {
  for (;;) {
    const chunk = await from.read(65_536)
    if (chunk.length === 0) return
    if (to.isClosing()) throw new ConnectionResetError('what it was to be copied to is closed')
    to.write(chunk)
    await to.drain()
  }
}

export function checkInput(input: unknown): void {
  if (input === undefined || typeof input === 'string' || input instanceof Uint8Array) return
  throw new TypeError(`input must be a Uint8Array or a string, got ${describe(input)}`)
}
