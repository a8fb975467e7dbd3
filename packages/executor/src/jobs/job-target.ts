import { describe } from '@tasktree/core/lowlevel'
import { JobRef } from './job.ts'
import type { JobTarget } from '../transport/protocol.ts'

const native = /\{\s*\[native code\]\s*\}$/

/** @throws {TypeError} for what is no job */
export function readTarget(job: unknown): JobTarget {
  if (job instanceof JobRef) return { url: job.url, name: job.name }
  if (typeof job === 'function') return { source: Function.prototype.toString.call(job) }
  throw new TypeError(
    `a job must be a function or a reference made by jobs(), got ${describe(job)}`,
  )
}

/** Built-in and bound functions have no source. */
export function hasSource(target: JobTarget): boolean {
  return !('source' in target) || !native.test(target.source)
}
