import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import { resolve } from 'node:path'

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
 * itself. The system gives the same error in both cases.
 */
export function findBadInterpreter(
  program: string,
  cwd: string,
  path: string | undefined,
): BadInterpreter | null {
  for (const file of candidates(program, cwd, path)) {
    if (isProgram(file)) return badInterpreterOf(file, cwd)
  }
  return null
}

/** Returns the files that `program` may mean: one if it is a path, and otherwise one for each folder of PATH. */
function candidates(program: string, cwd: string, path = ''): string[] {
  if (program.includes('/')) return [resolve(cwd, program)]
  const folders = path === '' ? [] : path.split(':')
  return folders.map((folder) => resolve(cwd, folder, program))
}

function badInterpreterOf(program: string, cwd: string): BadInterpreter | null {
  let file = program
  for (let depth = 0; depth < DEEPEST; depth++) {
    const interpreter = namedInterpreter(file)
    const next = interpreter === null ? null : resolve(cwd, interpreter)
    if (next === null || !isProgram(next)) return { path: interpreter, of: file }
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

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
