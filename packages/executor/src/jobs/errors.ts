/**
 * The pool cannot run jobs any more: its workers cannot be started or died on start, or the initializer of a worker
 * failed or could not be sent.
 *
 * Source: concurrent.futures.BrokenExecutor
 */
export class BrokenExecutor extends Error {
  override readonly name: string = 'BrokenExecutor'
  readonly code: string = 'ERR_EXECUTOR_BROKEN'
}

/**
 * A worker died while it ran this job, or two workers died while they received this job. A worker dies when it exits,
 * is killed, or runs out of memory. `cause` is the error that ended the worker, if known.
 */
export class WorkerCrashedError extends Error {
  override readonly name: string = 'WorkerCrashedError'
  readonly code: string = 'ERR_EXECUTOR_WORKER_CRASHED'
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null

  constructor(
    exitCode: number | null,
    signal: NodeJS.Signals | null,
    options?: ErrorOptions & { during?: 'ran' | 'received' },
  ) {
    const how = signal === null ? `exited with code ${exitCode}` : `was ended by ${signal}`
    const why = options?.cause instanceof Error ? `: ${options.cause.message}` : ''
    const verb = options?.during ?? 'ran'
    super(`the worker ${how} while it ${verb} this job${why}`, options)
    this.exitCode = exitCode
    this.signal = signal
  }
}

/** A job, or a value that the job takes or gives, cannot be sent between threads or processes. */
export class JobSerializationError extends Error {
  override readonly name: string = 'JobSerializationError'
  readonly code: string = 'ERR_EXECUTOR_SERIALIZATION'
}

/** Thrown by `submit` when `maxQueue` jobs wait already. */
export class ExecutorQueueFull extends Error {
  override readonly name: string = 'ExecutorQueueFull'
  readonly code: string = 'ERR_EXECUTOR_QUEUE_FULL'

  constructor(maxQueue: number) {
    super(
      `${maxQueue} jobs are waiting, which is this pool's maxQueue: await some of them, or use map()`,
    )
  }
}
