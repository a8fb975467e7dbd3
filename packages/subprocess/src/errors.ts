import { RuntimeError, TimeoutError } from '@tasktree/core'
import { OSError, type OSErrorOptions } from '@tasktree/streams'
import { statSync } from 'node:fs'

interface PathErrorOptions extends OSErrorOptions {
  path: string
}

/** There is no such program, or no such folder to run it in. Source: FileNotFoundError */
export class FileNotFoundError extends OSError {
  override readonly name: string = 'FileNotFoundError'
  readonly path: string

  constructor(message: string, options: PathErrorOptions) {
    super(message, { code: 'ENOENT', ...options })
    this.path = options.path
  }
}

/** The program may not be run, or the process not be signalled. Source: PermissionError */
export class PermissionError extends OSError {
  override readonly name: string = 'PermissionError'
  readonly path: string

  constructor(message: string, options: PathErrorOptions) {
    super(message, { code: 'EACCES', ...options })
    this.path = options.path
  }
}

/** What was to be the working folder is none. Source: NotADirectoryError */
export class NotADirectoryError extends OSError {
  override readonly name: string = 'NotADirectoryError'
  readonly path: string

  constructor(message: string, options: PathErrorOptions) {
    super(message, { code: 'ENOTDIR', ...options })
    this.path = options.path
  }
}

/** The arguments and the environment are more than the system passes on. Source: OSError with E2BIG */
export class ArgumentListTooLongError extends OSError {
  override readonly name: string = 'ArgumentListTooLongError'

  constructor(message: string, options: OSErrorOptions = {}) {
    super(message, { code: 'E2BIG', ...options })
  }
}

/** A signal was sent to a process that has ended. Source: ProcessLookupError */
export class ProcessLookupError extends OSError {
  override readonly name: string = 'ProcessLookupError'

  constructor(message: string, options: OSErrorOptions = {}) {
    super(message, { code: 'ESRCH', ...options })
  }
}

/** What a run came to. Source: subprocess.CompletedProcess */
export interface CompletedProcess<T = Buffer> {
  /** The program and its arguments. */
  readonly args: readonly string[]
  /** -N: ended by signal N. */
  readonly returncode: number
  /** Empty when it was no pipe. */
  readonly stdout: T
  /** Empty when it was no pipe. */
  readonly stderr: T
}

/** With `check`: the program ended with another code than 0. Source: subprocess.CalledProcessError */
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

/** The process was ended since it had not ended within its `timeout`. Source: subprocess.TimeoutExpired */
export class TimeoutExpired extends TimeoutError {
  override readonly name: string = 'TimeoutExpired'
  override readonly code: string = 'ERR_SUBPROCESS_TIMEOUT'
  readonly args: readonly string[]
  /** Milliseconds. */
  readonly timeout: number
  /** What was captured until then; null when nobody captured it. */
  readonly stdout: Buffer | string | null
  /** What was captured until then; null when nobody captured it. */
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

/** The process was ended since it wrote more than `maxBuffer` bytes, of which the first are in `stdout` and `stderr`. */
export class MaxBufferError extends Error {
  override readonly name: string = 'MaxBufferError'
  readonly code: string = 'ERR_SUBPROCESS_MAX_BUFFER'
  readonly args: readonly string[]
  /** Bytes. */
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
  const line = args.join(' ')
  return line.length <= 500 ? line : `${line.slice(0, 500)}…`
}

/** The end of what it said: there the reason is. */
function quoteEnd(stderr: Buffer | string | null): string {
  const said = (stderr ?? '').slice(-2_000).toString().trim()
  return said === '' ? '' : `: ${said}`
}

/** Tells the folder's fault from the program's: both come as the same code. */
export function toSpawnError(
  error: NodeJS.ErrnoException,
  program: string,
  cwd: string | undefined,
): Error {
  const { code, errno } = error
  const facts = { errno, syscall: 'spawn', cause: error }
  if (cwd !== undefined && (code === 'ENOENT' || code === 'ENOTDIR')) {
    const folder = statSync(cwd, { throwIfNoEntry: false })
    if (folder === undefined)
      return new FileNotFoundError(`no such folder to run in: ${cwd}`, { ...facts, path: cwd })
    if (!folder.isDirectory())
      return new NotADirectoryError(`not a folder to run in: ${cwd}`, { ...facts, path: cwd })
  }
  switch (code) {
    case 'ENOENT': {
      const where = program.includes('/') ? '' : ' on PATH'
      return new FileNotFoundError(`no such program${where}: ${program}`, {
        ...facts,
        path: program,
      })
    }
    case 'EACCES':
    case 'EPERM':
      return new PermissionError(`not allowed to run: ${program}`, {
        ...facts,
        code,
        path: program,
      })
    case 'ENOTDIR':
      return new NotADirectoryError(`a part of the path is no folder: ${program}`, {
        ...facts,
        path: program,
      })
    case 'E2BIG':
      return new ArgumentListTooLongError(
        `the arguments and environment of ${program} are longer than the system allows`,
        facts,
      )
    case undefined:
    default:
      return new OSError(`cannot run ${program}: ${error.message}`, { ...facts, code })
  }
}
