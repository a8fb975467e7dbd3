import { describe } from '@tasktree/core/lowlevel'
import type { JobTarget, SourceTarget } from '../transport/protocol.ts'
import { JobRef } from './job.ts'
import { findRelativeImport } from './scan-source.ts'

const native = /\{\s*\[native code\]\s*\}$/

/**
 * Returns the data with which a worker finds the function of a job.
 *
 * @throws {TypeError} when `job` is neither a function nor a reference to a module of this machine
 */
export function readTarget(job: unknown): JobTarget {
  if (job instanceof JobRef) {
    if (job.url !== null) return { url: job.url, name: job.name }
    throw new TypeError(
      `the job ${job.id} was made by remoteJobs(), so this machine does not have its module: use jobs(), or an executor of the cluster`,
    )
  }
  if (typeof job === 'function') return { source: Function.prototype.toString.call(job) }
  throw new TypeError(
    `a job must be a function or a reference made by jobs(), got ${describe(job)}`,
  )
}

/**
 * Whether `target` is the source text of a function. Does not use `in`, because a job may have given all objects of its
 * worker a property `source`.
 */
export function isSource(target: JobTarget): target is SourceTarget {
  return Object.hasOwn(target, 'source')
}

/** Returns why the function of `target` cannot be sent to a worker, with advice; null when it can be sent. */
export function whyUnsendable(target: JobTarget): string | null {
  if (!isSource(target)) return null
  if (native.test(target.source)) {
    return 'the job is a built-in or bound function, which has no source that could be sent: wrap it in a function, or use jobs()'
  }
  const specifier = findRelativeImport(target.source)
  if (specifier === null) return null
  return `the job imports ${JSON.stringify(specifier)}, relative to the module it comes from, which the worker does not know: export the job from a module and use jobs(), or pass new URL(${JSON.stringify(specifier)}, import.meta.url).href as an argument and import that`
}

/** Returns the name of the function that `target` stands for, as messages and tools show it. */
export function nameOf(target: JobTarget): string {
  if (!isSource(target)) return target.name
  return /^(?:async\s+)?function\s*\*?\s*([\w$]+)/.exec(target.source)?.[1] ?? '(anonymous)'
}
