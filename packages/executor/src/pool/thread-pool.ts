import type { PoolOptions } from './options.ts'
import { ThreadLink } from '../transport/thread-link.ts'
import { WorkerPool } from './pool.ts'

/** How many short jobs a thread may have at once: each batch costs one wake-up. */
const maxAhead = 32

/**
 * Runs jobs in worker threads. They share the process: what aborts it ends them all, and what is
 * transferred to them moves without a copy.
 *
 * Source: concurrent.futures.ThreadPoolExecutor
 */
export class ThreadPoolExecutor extends WorkerPool {
  constructor(options: PoolOptions = {}) {
    const { name = 'executor', resourceLimits, env } = options
    super(
      {
        maxAhead,
        start: (id, listener) => new ThreadLink(id, listener, { name, resourceLimits, env }),
      },
      options,
    )
  }
}
