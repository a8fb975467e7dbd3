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
import { type BadInterpreter, findBadInterpreter } from './interpreter.ts'
import { type SpawnOptions, toFolder } from './options.ts'

/**
 * Returns the error for a spawn that failed. This function looks at the folder, the program and its interpreter, because
 * the system gives the same code whichever of them is missing.
 */
export function toSpawnError(
  error: NodeJS.ErrnoException,
  program: string,
  options: SpawnOptions,
): Error {
  const { code, errno } = error
  const facts = { errno, syscall: 'spawn', cause: error }
  const cwd = toFolder(options.cwd)
  if (cwd !== undefined) {
    const fault = folderFault(cwd)
    if (fault !== null) return toFolderError(fault, cwd, facts)
  }
  switch (code) {
    case 'ENOENT':
    case 'EACCES':
    case 'EPERM':
    case 'ENOTDIR': {
      const { PATH } = options.env ?? process.env
      const bad = findBadInterpreter(code, program, cwd ?? '.', PATH)
      return toFileError({ ...facts, code }, program, bad)
    }
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

function toFileError(
  facts: OSErrorOptions & { code: string },
  program: string,
  bad: BadInterpreter | null,
): Error {
  if (bad !== null && bad.path === null) {
    return new FileNotFoundError(`the loader that ${bad.of} needs does not exist`, {
      ...facts,
      path: bad.of,
    })
  }
  const { code } = facts
  const path = bad?.path ?? program
  const options = { ...facts, path }
  // The path is escaped, because a script that was written on Windows names an interpreter whose path ends with a `\r`.
  const file =
    bad === null ? path : `${JSON.stringify(path).slice(1, -1)}, the interpreter of ${bad.of}`
  if (code === 'ENOENT') {
    const where = bad !== null || path.includes('/') ? '' : ' on PATH'
    return new FileNotFoundError(`no such program${where}: ${file}`, options)
  }
  if (code === 'ENOTDIR')
    return new NotADirectoryError(`a part of the path is not a folder: ${file}`, options)
  return new PermissionError(`not allowed to run: ${file}`, options)
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
