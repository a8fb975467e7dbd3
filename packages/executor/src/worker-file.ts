import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { RuntimeError } from '@tasktree/core'

declare const __filename: string | undefined

/**
 * Finds the file that workers run. It lies beside this file: as TypeScript in the source, as JavaScript in the build.
 *
 * A bundler moves this code into another file. Some bundlers understand the expression below, copy the file that it
 * names, and put the new name in its place. For the others the file is looked for beside the bundle, and then where
 * the package is installed.
 *
 * @throws {RuntimeError} when it is nowhere
 */
export function findWorkerEntry(): URL {
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
    // A bundler looks for exactly this expression.
    const entry = new URL('./worker-entry.js', import.meta.url)
    return isSource(import.meta.url) ? new URL(entry.href.replace(/js$/, 'ts')) : entry
  } catch {
    // In CommonJS output there is no import.meta.url.
    return typeof __filename === 'string'
      ? new URL('./worker-entry.js', pathToFileURL(__filename))
      : null
  }
}

/** The file that this code is in. */
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
