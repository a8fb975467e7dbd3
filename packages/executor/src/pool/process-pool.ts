import { RuntimeError } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import { otherRuntime } from '../transport/other-runtime.ts'
import { ProcessLink } from '../transport/process-link.ts'
import type { PoolOptions } from './options.ts'
import { WorkerPool } from './pool.ts'
import { resolveWorkerEntry } from './worker-entry-url.ts'

export interface ProcessPoolOptions extends PoolOptions {
  /** Flags for the workers' Node. They come after the flags of this process. */
  execArgv?: readonly string[]
}

/**
 * Runs jobs in child processes: nothing that a job does to its process, a native crash included, hurts
 * this one. On Node alone.
 *
 * @throws {RuntimeError} on other runtimes
 *
 * Source: concurrent.futures.ProcessPoolExecutor
 */
export class ProcessPoolExecutor extends WorkerPool {
  constructor(options: ProcessPoolOptions = {}) {
    assertNode()
    const { resourceLimits, env, execArgv, workerEntry } = options
    if (execArgv !== undefined && !Array.isArray(execArgv)) {
      throw new TypeError(`execArgv must be an array of flags, got ${describe(execArgv)}`)
    }
    const findEntry = resolveWorkerEntry(workerEntry)
    super(
      (id, listener) =>
        new ProcessLink(id, listener, { entry: findEntry(), resourceLimits, env, execArgv }),
      options,
    )
  }
}

/** The workers read and write their pipes past their event loop, which other runtimes cannot do. */
function assertNode(): void {
  if (otherRuntime === undefined) return
  throw new RuntimeError(
    `ProcessPoolExecutor needs Node, this is ${otherRuntime}: use ThreadPoolExecutor`,
  )
}
