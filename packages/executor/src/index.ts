export {
  BrokenExecutor,
  ExecutorQueueFull,
  JobSerializationError,
  WorkerCrashedError,
} from './jobs/errors.ts'
export type { Executor, ExecutorStats, MapOptions } from './pool/executor.ts'
export type { JobEvent } from './pool/tracing.ts'
export {
  type GeneratorJob,
  type Job,
  JobRef,
  type JobRefs,
  jobs,
  type JobsOptions,
} from './jobs/job.ts'
export { JobFuture } from './jobs/job-future.ts'
export type { PoolOptions } from './pool/options.ts'
export { ProcessPoolExecutor, type ProcessPoolOptions } from './pool/process-pool.ts'
export { runInExecutor, toThread } from './pool/run-in-executor.ts'
export { ThreadPoolExecutor } from './pool/thread-pool.ts'
export { traceparent } from './jobs/traceparent.ts'
export { transfer } from './jobs/transfer.ts'
export { reportProgress, workerId, workerSignal } from './worker/context.ts'
