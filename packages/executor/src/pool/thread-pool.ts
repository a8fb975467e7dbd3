import { checkOptions } from '@tasktree/core/lowlevel'
import { ThreadLink } from '../transport/thread-link.ts'
import { copyWorkerOptions, type PoolOptions } from './options.ts'
import { WorkerPool } from './pool.ts'
import { resolveWorkerEntry } from '../find-worker-entry.ts'

/**
 * Runs jobs in worker threads. The threads share one process: a crash of the process ends all of them, and transferred
 * objects move to a thread without a copy.
 *
 * @example
 *     await using pool = new ThreadPoolExecutor({ maxWorkers: 2 })
 *     const square = (n: number) => n * n
 *     for await (const result of pool.map(square, [1, 2, 3])) console.log(result) // 1, then 4, then 9
 *
 * Source: concurrent.futures.ThreadPoolExecutor
 */
export class ThreadPoolExecutor extends WorkerPool {
  constructor(options: PoolOptions = {}) {
    checkOptions(options)
    const { name = 'executor', workerEntry } = options
    const { resourceLimits, env } = copyWorkerOptions(options)
    const findEntry = resolveWorkerEntry(workerEntry)
    super(
      (id, listener) =>
        new ThreadLink(id, listener, { entry: findEntry(), name, resourceLimits, env }),
      options,
    )
  }
}
