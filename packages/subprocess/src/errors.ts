import { statSync } from 'node:fs'

/** A program that could not be started. Source: OSError */
class SpawnError extends Error {
  override readonly name: string = 'SpawnError'
  readonly code: string
  readonly path: string

  constructor(message: string, code: string, path: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.path = path
  }
}

/** There is no such program, or no such folder to run it in. Source: FileNotFoundError */
export class FileNotFoundError extends SpawnError {
  override readonly name: string = 'FileNotFoundError'
}

/** The program may not be run. Source: PermissionError */
export class PermissionError extends SpawnError {
  override readonly name: string = 'PermissionError'
}

/** What was to be the working folder is none. Source: NotADirectoryError */
export class NotADirectoryError extends SpawnError {
  override readonly name: string = 'NotADirectoryError'
}

/** A signal was sent to a process that has ended. Source: ProcessLookupError */
export class ProcessLookupError extends Error {
  override readonly name: string = 'ProcessLookupError'
  readonly code: string = 'ESRCH'
}

/** What a run came to. Source: subprocess.CompletedProcess */
export interface CompletedProcess<T = Buffer> {
  readonly args: readonly string[]
  /** -N: ended by signal N. */
  readonly returncode: number
  readonly stdout: T
  readonly stderr: T
}

/** With `check`: the program ended with another code than 0. Source: subprocess.CalledProcessError */
export class CalledProcessError extends Error {
  override readonly name: string = 'CalledProcessError'
  readonly code: string = 'ERR_SUBPROCESS_FAILED'
  readonly returncode: number
  readonly stdout: Buffer | string
  readonly stderr: Buffer | string

  constructor(completed: CompletedProcess<Buffer | string>) {
    const { args, returncode, stderr } = completed
    const how = returncode < 0 ? `was ended by signal ${-returncode}` : `exited with ${returncode}`
    const said = String(stderr).trim().slice(-2_000)
    super(`${args.join(' ')} ${how}${said === '' ? '' : `: ${said}`}`)
    this.returncode = returncode
    this.stdout = completed.stdout
    this.stderr = stderr
  }
}

/** Tells the folder's fault from the program's: both come as the same code. */
export function toSpawnError(
  error: NodeJS.ErrnoException,
  program: string,
  cwd: string | undefined,
): Error {
  const { code = 'EUNKNOWN' } = error
  if (cwd !== undefined && (code === 'ENOENT' || code === 'ENOTDIR')) {
    const folder = statSync(cwd, { throwIfNoEntry: false }) ?? null
    if (folder === null)
      return new FileNotFoundError(`no such folder to run in: ${cwd}`, 'ENOENT', cwd, {
        cause: error,
      })
    if (!folder.isDirectory()) {
      return new NotADirectoryError(`not a folder to run in: ${cwd}`, 'ENOTDIR', cwd, {
        cause: error,
      })
    }
  }
  if (code === 'ENOENT')
    return new FileNotFoundError(`no such program: ${program}`, code, program, { cause: error })
  if (code === 'EACCES' || code === 'EPERM') {
    return new PermissionError(`not allowed to run: ${program}`, code, program, { cause: error })
  }
  return new SpawnError(`cannot run ${program}: ${error.message}`, code, program, { cause: error })
}
