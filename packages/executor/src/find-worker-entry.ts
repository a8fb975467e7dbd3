import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { RuntimeError } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'

declare const __filename: string | undefined

/**
 * Checks the option `workerEntry` of a pool. Returns a function that finds the file that workers run. The pool calls
 * that function each time it starts a worker.
 *
 * @throws {TypeError} when `option` is neither a URL nor undefined
 */
export function resolveWorkerEntry(option: unknown): () => URL {
  if (option === undefined) return findWorkerEntry
  const href = option instanceof URL ? option.href : option
  if (typeof href === 'string' && URL.canParse(href)) return () => new URL(href)
  throw new TypeError(
    `workerEntry must be a URL, as new URL('./worker-entry.js', import.meta.url), got ${describe(option)}`,
  )
}

/**
 * Finds the file that workers run. That file is in the same folder as this one: a TypeScript file in the source, a
 * JavaScript file in the build.
 *
 * A bundler moves this code into another file. Some bundlers understand the expression `new URL(…, import.meta.url)`
 * below: they copy the named file, and write its new name into the expression. With other bundlers, this function looks
 * for the file beside the bundle, and then where the package is installed.
 *
 * @throws {RuntimeError} when the file is not found
 */
function findWorkerEntry(): URL {
  found ??= find()
  return found
}

let found: URL | null = null

function find(): URL {
  const beside = findBeside()
  if (beside !== null && existsSync(fileURLToPath(beside))) return beside
  const here = ownPath()
  try {
    return pathToFileURL(createRequire(here).resolve('@tasktree/executor/worker-entry'))
  } catch (cause) {
    throw new RuntimeError(
      `the file that workers run is not beside ${here}, nor is @tasktree/executor installed there: copy @tasktree/executor's dist/worker-entry.js beside it, or name a copy with the option workerEntry`,
      { cause },
    )
  }
}

function findBeside(): URL | null {
  try {
    // Bundlers look for exactly this form of expression.
    const entry = new URL('./worker-entry.js', import.meta.url)
    return isSource(import.meta.url) ? new URL(entry.href.replace(/js$/, 'ts')) : entry
  } catch {
    // In CommonJS output there is no import.meta.url.
    return typeof __filename === 'string'
      ? new URL('./worker-entry.js', pathToFileURL(__filename))
      : null
  }
}

/** Returns the path of the file that contains this code. */
function ownPath(): string {
  try {
    return fileURLToPath(import.meta.url)
  } catch {
    return typeof __filename === 'string' ? __filename : `${process.cwd()}/`
  }
}

function isSource(url: string): boolean {
  return url.endsWith('.ts')
}
