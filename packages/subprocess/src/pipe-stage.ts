import { shield, type Task } from '@tasktree/core'
import { createServiceTask } from '@tasktree/core/lowlevel'
import type { StreamReader } from '@tasktree/streams'
import { CalledProcessError, type CompletedProcess } from './errors.ts'
import type { LineSource } from './interleave-lines.ts'
import type { Process } from './process.ts'

/** How many bytes of stderr are kept for an error message. */
const TAIL = 65_536

/** The command that a stage runs. The stage calls `ended` when the program has ended. */
export interface StageEnd {
  /** `wasRead` tells whether stdout of the program was read to its end. */
  ended(completed: CompletedProcess, wasRead: boolean): void
}

/**
 * A running command whose stdout this program reads, for the next command of a pipe or for a loop over lines. The stage
 * also owns the commands before it in the pipe: when the stage ends, they are ended too.
 */
export class Stage implements AsyncDisposable {
  readonly output: StreamReader
  readonly #child: Process
  readonly #args: readonly string[]
  readonly #check: boolean
  readonly #source: Stage | null
  readonly #command: StageEnd
  #tail = Buffer.alloc(0)
  /**
   * A separate task that reads stderr, so that the owner of the child can wait for something else at the same time, and
   * can be cancelled in that wait. Null if stderr is not a pipe, or if the caller reads it.
   */
  readonly #reading: Task<void> | null
  readonly #leaveCall: () => void

  constructor(
    child: Process,
    facts: {
      readonly args: readonly string[]
      readonly check: boolean
      readonly source: Stage | null
      readonly command: StageEnd
      /** Whether the caller reads stderr, through `sources`. */
      readonly readsErrors: boolean
    },
  ) {
    this.output = child.stdout as StreamReader
    this.#child = child
    this.#args = facts.args
    this.#check = facts.check
    this.#source = facts.source
    this.#command = facts.command
    this.#leaveCall = child.enterCall()
    const { stderr } = child
    this.#reading =
      stderr === null || facts.readsErrors
        ? null
        : createServiceTask(() => this.#readTail(stderr), {
            name: `stderr of process ${child.pid}`,
          })
  }

  /** Returns stdout, and stderr if it is a pipe, for a loop over their lines. */
  sources(): LineSource[] {
    const sources: LineSource[] = [{ from: 'stdout', reader: this.output }]
    const { stderr } = this.#child
    if (stderr !== null)
      sources.push({ from: 'stderr', reader: stderr, onChunk: (chunk) => this.#keep(chunk) })
    return sources
  }

  async #readTail(stderr: StreamReader): Promise<void> {
    for (;;) {
      const chunk = await stderr.read(65_536)
      if (chunk.length === 0) return
      this.#keep(chunk)
    }
  }

  #keep(chunk: Buffer): void {
    this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-TAIL)
  }

  /**
   * Closes the output, which no code reads any more, and waits for the end of the child and of the commands before it.
   *
   * @throws {CalledProcessError} with the option `check`, if the output was read to its end and the code is not 0; also
   * if a command before this one fails in the same way
   */
  async finish(): Promise<void> {
    // If the output was not read to its end, SIGPIPE may end the program, or the program may fail because it cannot write.
    // That is not an error.
    const wasRead = this.output.atEof()
    this.#child.closeOutput()
    await this.#child.wait()
    if (this.#reading !== null) await shield(this.#reading)
    this.#settle(wasRead)
    if (this.#check && wasRead) this.check()
    await this.#source?.finish()
  }

  /** @throws {CalledProcessError} if the program ended with a code other than 0 */
  check(): void {
    const completed = this.#completed()
    if (completed.returncode !== 0) throw new CalledProcessError(completed)
  }

  #completed(): CompletedProcess {
    const returncode = this.#child.returncode as number
    return { args: this.#args, returncode, stdout: Buffer.alloc(0), stderr: this.#tail }
  }

  #settle(wasRead: boolean): void {
    this.#command.ended(this.#completed(), wasRead)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reading?.cancel()
    this.#leaveCall()
    try {
      await this.#child[Symbol.asyncDispose]()
    } finally {
      // The command gets its result in this `finally` block, because the `await` above may throw a cancel, and throws it
      // only after the end of the child.
      this.#settle(false)
      await this.#source?.[Symbol.asyncDispose]()
    }
  }
}
