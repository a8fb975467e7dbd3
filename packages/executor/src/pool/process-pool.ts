import { RuntimeError } from '@tasktree/core'
import { checkOptions, describe } from '@tasktree/core/lowlevel'
import { otherRuntime } from '../transport/other-runtime.ts'
import { ProcessLink } from '../transport/process-link.ts'
import { copyWorkerOptions, type PoolOptions } from './options.ts'
import { WorkerPool } from './pool.ts'
import { resolveWorkerEntry } from '../find-worker-entry.ts'

export interface ProcessPoolOptions extends PoolOptions {
  /** Node flags for the workers. They are added after the flags of this process. */
  execArgv?: readonly string[]
}

/**
 * Runs jobs in child processes. A job that crashes its process, even in native code, does not harm this process. Works
 * on Node only.
 *
 * @throws {RuntimeError} on other runtimes
 *
 * @example
 *     await using pool = new ProcessPoolExecutor({ maxWorkers: 1 })
 *     const crash = () => process.abort() // ends the worker, not this program
 *     const error = await pool.submit(crash).catch((reason: unknown) => reason)
 *     console.log(error instanceof WorkerCrashedError) // true
 *
 * Source: concurrent.futures.ProcessPoolExecutor
 */
export class ProcessPoolExecutor extends WorkerPool {
  constructor(options: ProcessPoolOptions = {}) {
    checkOptions(options)
    assertNode()
    const { execArgv = [], workerEntry } = options
    if (!Array.isArray(execArgv)) {
      throw new TypeError(`execArgv must be an array of flags, got ${describe(execArgv)}`)
    }
    const flags: readonly string[] = [...execArgv]
    const { resourceLimits, env } = copyWorkerOptions(options)
    const findEntry = resolveWorkerEntry(workerEntry)
    super(
      (id, listener) =>
        new ProcessLink(id, listener, { entry: findEntry(), resourceLimits, env, execArgv: flags }),
      options,
    )
  }
}

/**
 * Throws if the runtime is not Node, because the workers read and write their pipes synchronously, which only Node
 * allows.
 */
function assertNode(): void {
  if (otherRuntime === undefined) return
  throw new RuntimeError(
    `ProcessPoolExecutor needs Node, this is ${otherRuntime}: use ThreadPoolExecutor`,
  )
}
