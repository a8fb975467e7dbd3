import { OSError, type OSErrorOptions } from '@tasktree/streams'
import { accessSync, constants, statSync } from 'node:fs'
import {
  ArgumentListTooLongError,
  FileNotFoundError,
  NotADirectoryError,
  PathError,
  PermissionError,
  shorten,
} from './errors.ts'

/**
 * Returns the error for a spawn that failed. This function checks the folder, because the system gives the same code
 * for a missing program and a missing `cwd`.
 */
export function toSpawnError(
  error: NodeJS.ErrnoException,
  program: string,
  cwd: string | undefined,
): Error {
  const { code, errno } = error
  const facts = { errno, syscall: 'spawn', cause: error }
  if (cwd !== undefined) {
    const fault = folderFault(cwd)
    if (fault !== null) return toFolderError(fault, cwd, facts)
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
      return new NotADirectoryError(`a part of the path is not a folder: ${program}`, {
        ...facts,
        path: program,
      })
    case 'E2BIG':
      return new ArgumentListTooLongError(
        `the arguments and environment of ${program} are longer than the system allows`,
        facts,
      )
    case 'ENAMETOOLONG':
      return new PathError(`the path of the program is too long: ${shorten(program)}`, {
        ...facts,
        code,
        path: program,
      })
    case undefined:
    default:
      return new OSError(`cannot run ${shorten(program)}: ${shorten(error.message)}`, {
        ...facts,
        code,
      })
  }
}

/** Returns the reason why no process can run in the folder `cwd`; null when there is none. */
function folderFault(cwd: string): NodeJS.ErrnoException | null {
  try {
    if (!statSync(cwd).isDirectory()) return { name: 'Error', message: '', code: 'ENOTDIR' }
    accessSync(cwd, constants.X_OK)
    return null
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}

function toFolderError(fault: NodeJS.ErrnoException, cwd: string, facts: OSErrorOptions): Error {
  const options = { ...facts, path: cwd, errno: fault.errno ?? facts.errno }
  switch (fault.code) {
    case 'ENOENT':
      return new FileNotFoundError(`no such folder to run in: ${cwd}`, options)
    case 'ENOTDIR':
      return new NotADirectoryError(`not a folder to run in: ${cwd}`, options)
    case 'EACCES':
    case 'EPERM':
      return new PermissionError(`not allowed to enter the folder to run in, cwd: ${cwd}`, {
        ...options,
        code: fault.code,
      })
    case 'ENAMETOOLONG':
      return new PathError(`the path of the folder to run in, cwd, is too long: ${shorten(cwd)}`, {
        ...options,
        code: fault.code,
      })
    case undefined:
    default:
      return new PathError(
        `cannot run in the folder cwd, ${shorten(cwd)}: ${shorten(fault.message)}`,
        {
          ...options,
          code: fault.code ?? 'EIO',
        },
      )
  }
}
