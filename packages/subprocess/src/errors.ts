import { RuntimeError, TimeoutError } from '@tasktree/core'
import { OSError, type OSErrorOptions } from '@tasktree/streams'

interface PathErrorOptions extends OSErrorOptions {
  path: string
}

/** The system has refused an operation because of a path. */
export class PathError extends OSError {
  declare readonly path: string

  // oxlint-disable-next-line eslint/no-useless-constructor -- it makes `path` a required option
  constructor(message: string, options: PathErrorOptions) {
    super(message, options)
  }
}

/**
 * There is no such program, no such interpreter of a script, or no such folder to run in. `path` says which file is
 * missing. Source: FileNotFoundError of Python
 */
export class FileNotFoundError extends PathError {
  override readonly name: string = 'FileNotFoundError'

  constructor(message: string, options: PathErrorOptions) {
    super(message, { code: 'ENOENT', ...options })
  }
}

/**
 * This user is not allowed to run the program, enter the folder, or signal the process. Source: PermissionError of
 * Python
 */
export class PermissionError extends PathError {
  override readonly name: string = 'PermissionError'

  constructor(message: string, options: PathErrorOptions) {
    super(message, { code: 'EACCES', ...options })
  }
}

/** The folder to run in, or a part of the path of the program, is not a folder. Source: NotADirectoryError of Python */
export class NotADirectoryError extends PathError {
  override readonly name: string = 'NotADirectoryError'

  constructor(message: string, options: PathErrorOptions) {
    super(message, { code: 'ENOTDIR', ...options })
  }
}

/** The arguments and the environment are longer than the system allows. Source: OSError of Python, with E2BIG */
export class ArgumentListTooLongError extends OSError {
  override readonly name: string = 'ArgumentListTooLongError'

  constructor(message: string, options: OSErrorOptions = {}) {
    super(message, { code: 'E2BIG', ...options })
  }
}

/** A signal was sent to a process that has ended. Source: ProcessLookupError of Python */
export class ProcessLookupError extends OSError {
  override readonly name: string = 'ProcessLookupError'

  constructor(message: string, options: OSErrorOptions = {}) {
    super(message, { code: 'ESRCH', ...options })
  }
}

/** The result of a program that has ended. Source: subprocess.CompletedProcess */
export interface CompletedProcess<T = Buffer> {
  /** The program and its arguments. */
  readonly args: readonly string[]
  /** The exit code, or -N when signal N has ended the program. */
  readonly returncode: number
  /** The output of the program on stdout; empty when stdout was not a pipe. */
  readonly stdout: T
  /** The output of the program on stderr; empty when stderr was not a pipe. */
  readonly stderr: T
}

/**
 * The program ended with a code other than 0. This error is thrown if the option `check` is set, by `text()` of a
 * command, and by a loop over the lines of a command. Source: subprocess.CalledProcessError
 */
export class CalledProcessError extends Error implements CompletedProcess<Buffer | string> {
  override readonly name: string = 'CalledProcessError'
  readonly code: string = 'ERR_SUBPROCESS_FAILED'
  readonly args: readonly string[]
  readonly returncode: number
  readonly stdout: Buffer | string
  readonly stderr: Buffer | string

  constructor(completed: CompletedProcess<Buffer | string>) {
    const { args, returncode, stdout, stderr } = completed
    super(`${commandLine(args)} ${outcome(returncode)}${quoteEnd(stderr)}`)
    this.args = args
    this.returncode = returncode
    this.stdout = stdout
    this.stderr = stderr
  }
}

/**
 * The process was ended because its `timeout` had passed, or a call stopped waiting because the `timeout` of the call
 * had passed. Source: subprocess.TimeoutExpired
 */
export class TimeoutExpired extends TimeoutError {
  override readonly name: string = 'TimeoutExpired'
  override readonly code: string = 'ERR_SUBPROCESS_TIMEOUT'
  readonly args: readonly string[]
  /** The timeout that has passed, in milliseconds. */
  readonly timeout: number
  /** What had been read from stdout when this error was thrown; null if stdout was not captured. */
  readonly stdout: Buffer | string | null
  /** What had been read from stderr when this error was thrown; null if stderr was not captured. */
  readonly stderr: Buffer | string | null

  constructor(
    args: readonly string[],
    timeout: number,
    captured: { stdout: Buffer | string | null; stderr: Buffer | string | null },
  ) {
    super(`${commandLine(args)} did not end within ${timeout} ms${quoteEnd(captured.stderr)}`)
    this.args = args
    this.timeout = timeout
    this.stdout = captured.stdout
    this.stderr = captured.stderr
  }
}

/**
 * The process was ended because it wrote more than `maxBuffer` bytes to one of its outputs. `stdout` and `stderr` hold
 * at most the first `maxBuffer` bytes of each output.
 */
export class MaxBufferError extends Error {
  override readonly name: string = 'MaxBufferError'
  readonly code: string = 'ERR_SUBPROCESS_MAX_BUFFER'
  readonly args: readonly string[]
  /** The limit that the output has passed, in bytes. */
  readonly maxBuffer: number
  readonly stdout: Buffer | string
  readonly stderr: Buffer | string

  constructor(
    which: 'stdout' | 'stderr',
    maxBuffer: number,
    completed: CompletedProcess<Buffer | string>,
  ) {
    super(`${commandLine(completed.args)} wrote more than ${maxBuffer} bytes to its ${which}`)
    this.args = completed.args
    this.maxBuffer = maxBuffer
    this.stdout = completed.stdout
    this.stderr = completed.stderr
  }
}

/** A managed process ended before it was ready. */
export class NotReadyError extends RuntimeError {
  override readonly name: string = 'NotReadyError'
  override readonly code: string = 'ERR_SUBPROCESS_NOT_READY'
  readonly returncode: number

  constructor(args: readonly string[], returncode: number) {
    super(`${commandLine(args)} ${outcome(returncode)} before it was ready`)
    this.returncode = returncode
  }
}

function outcome(returncode: number): string {
  return returncode < 0 ? `was ended by signal ${-returncode}` : `exited with ${returncode}`
}

function commandLine(args: readonly string[]): string {
  return shorten(args.join(' '))
}

/** Returns the end of stderr, because a program usually writes there why it fails. */
function quoteEnd(stderr: Buffer | string | null): string {
  const said = (stderr ?? '').slice(-2_000).toString().trim()
  return said === '' ? '' : `: ${said}`
}

/** Cuts a long text, because a command line or a path in a message may have many kilobytes. */
export function shorten(text: string): string {
  return text.length <= 500 ? text : `${text.slice(0, 500)}…`
}
