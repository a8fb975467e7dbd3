import { describe } from '@tasktree/core/lowlevel'
import { findWorkerEntry } from '../worker-file.ts'

/**
 * Checks the option `workerEntry`. Returns a function that finds the file; it is called when the first worker starts.
 *
 * @throws {TypeError} for anything but a file URL or a path
 */
export function resolveWorkerEntry(option: unknown): () => URL {
  if (option === undefined) return findWorkerEntry
  const href = option instanceof URL ? option.href : option
  if (typeof href === 'string' && URL.canParse(href)) return () => new URL(href)
  throw new TypeError(
    `workerEntry must be a URL, as new URL('./worker-entry.js', import.meta.url), got ${describe(option)}`,
  )
}
