export {
  BrokenExecutor,
  ExecutorQueueFull,
  JobSerializationError,
  WorkerCrashedError,
} from './errors.ts'
export type { Executor, ExecutorStats, MapOptions } from './executor.ts'
export type { JobEvent } from './instrument.ts'
export { type GeneratorJob, type Job, JobRef, type JobRefs, jobs } from './job.ts'
export { JobFuture } from './job-future.ts'
export type { PoolOptions } from './pool-options.ts'
export { ProcessPoolExecutor, type ProcessPoolOptions } from './process-pool.ts'
export { runInExecutor, toThread } from './run-in-executor.ts'
export { ThreadPoolExecutor } from './thread-pool.ts'
export { transfer } from './transfer.ts'
export { reportProgress, workerId, workerSignal } from './worker-context.ts'
