import { OSError, type StreamReader, type StreamWriter } from '@tasktree/streams'
import { Output, readOutput } from './output.ts'

/** The outputs of a process; null for an output that is not a pipe. */
export interface Outputs {
  stdout: Buffer | null
  stderr: Buffer | null
}

/**
 * Does the work of `Process.communicate` with the pipes of a process: writes the input, and reads both outputs to their
 * ends, all at the same time. If this were done one after the other, the process could wait for one pipe while this
 * program waits for another pipe, for ever.
 *
 * A call of `communicate` may be cancelled at any time. This object keeps what was read, so that the next call
 * continues.
 */
export class Communication {
  readonly #stdin: StreamWriter | null
  readonly #stdout: StreamReader | null
  readonly #stderr: StreamReader | null
  readonly #outputs = { stdout: new Output(), stderr: new Output() }
  #hasBegun = false
  #hasInput = false

  /** An argument is null if that stream of the process is not a pipe. */
  constructor(
    stdin: StreamWriter | null,
    stdout: StreamReader | null,
    stderr: StreamReader | null,
  ) {
    this.#stdin = stdin
    this.#stdout = stdout
    this.#stderr = stderr
  }

  /** Whether there was a call of `communicate`. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /** Called at the beginning of each call of `communicate`. Only the first call may have an `input`. */
  begin(input: Uint8Array | string | undefined): void {
    this.#hasBegun = true
    if (input === undefined || this.#stdin === null) return
    this.#hasInput = true
    this.#stdin.write(input)
  }

  /**
   * Starts to write and to read, and returns a promise for each pipe. `onOver` is called when an output has more than
   * `max` bytes. When `signal` aborts, the writing and the reading stop, and the promises that are still pending
   * reject.
   */
  branches(
    signal: AbortSignal,
    max: number,
    onOver: (which: 'stdout' | 'stderr') => void,
  ): Promise<void>[] {
    const read = async (which: 'stdout' | 'stderr', reader: StreamReader | null): Promise<void> => {
      if (reader === null) return
      await readOutput(reader, this.#outputs[which], max, signal, () => onOver(which))
    }
    return [read('stdout', this.#stdout), read('stderr', this.#stderr), this.#feed(signal)]
  }

  /** Waits until the input has been written, and closes stdin. */
  async #feed(signal: AbortSignal): Promise<void> {
    if (this.#stdin === null) return
    if (this.#hasInput) {
      try {
        await this.#stdin.drain({ signal })
      } catch (error) {
        // The process has closed its stdin early, which is not an error, as in Python.
        if (!(error instanceof OSError)) throw error
      }
    }
    this.#stdin.close()
  }

  /** Returns all that was read, and removes it from this object. */
  take(): Outputs {
    return {
      stdout: this.#stdout === null ? null : this.#outputs.stdout.take(),
      stderr: this.#stderr === null ? null : this.#outputs.stderr.take(),
    }
  }

  /**
   * Returns a copy of all that was read. This object keeps the data for the next call of `communicate`. Both outputs
   * are null before the first call.
   */
  copy(): Outputs {
    return {
      stdout: this.#hasBegun && this.#stdout !== null ? this.#outputs.stdout.copy() : null,
      stderr: this.#hasBegun && this.#stderr !== null ? this.#outputs.stderr.copy() : null,
    }
  }
}
