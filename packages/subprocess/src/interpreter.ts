import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'

/** How many bytes of the first line Linux reads, and how many interpreters it follows that are scripts themselves. */
const FIRST_LINE = 256
const DEEPEST = 5

/** A file that the system cannot run, and must run in order to run the file `of`. */
export interface BadInterpreter {
  /** The path of the interpreter, as the script `of` names it after `#!`; null if `of` is a binary, which names a loader. */
  readonly path: string | null
  readonly of: string
}

/**
 * Returns the interpreter because of which the system could not run `program`; null when the fault lies with the program
 * itself. The system gives the same `code` of an error in both cases.
 */
export function findBadInterpreter(
  code: string,
  program: string,
  cwd: string,
  path: string | undefined,
): BadInterpreter | null {
  for (const file of candidates(program, cwd, path)) {
    const bad = faultOf(file) === null ? badInterpreterOf(file, cwd, code) : null
    if (bad !== null) return bad
  }
  return null
}

/** Returns the files that `program` may mean: one if it is a path, and otherwise one for each folder of PATH. */
function candidates(program: string, cwd: string, path = ''): string[] {
  if (program.includes('/')) return [pathFrom(cwd, program)]
  const folders = path === '' ? [] : path.split(':')
  return folders.map((folder) => pathFrom(cwd, join(folder, program)))
}

/** Returns `path` as seen from `cwd`. `resolve` of Node would throw if the folder of this program was removed. */
function pathFrom(cwd: string, path: string): string {
  return isAbsolute(path) ? path : join(cwd, path)
}

/** Returns null if the interpreter of `program` is not the reason for an error with this `code`. */
function badInterpreterOf(program: string, cwd: string, code: string): BadInterpreter | null {
  let file = program
  for (let depth = 0; depth < DEEPEST; depth++) {
    const path = namedInterpreter(file)
    if (path === null) return code === 'ENOENT' ? { path, of: file } : null
    const next = pathFrom(cwd, path)
    const fault = faultOf(next)
    if (fault !== null) return fault === code ? { path, of: file } : null
    file = next
  }
  return null
}

/** Returns the path after `#!` in the first line of `file`; null when the file is not a script, or cannot be read. */
function namedInterpreter(file: string): string | null {
  const start = Buffer.alloc(FIRST_LINE)
  try {
    const descriptor = openSync(file, 'r')
    try {
      readSync(descriptor, start)
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return null
  }
  return /^#![ \t]*([^ \t\n\0]+)/.exec(start.toString())?.[1] ?? null
}

/** Returns the code of the error because of which `file` itself cannot be run; null if it can. */
function faultOf(file: string): string | null {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile() ? null : 'EACCES'
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
