/**
 * What an executor is made of that runs its jobs elsewhere than in this package's pools, for example on other machines.
 * Documented and covered by semver, like the main door.
 */
export { currentJob, type RunningJob } from './worker/context.ts'
export {
  carryErrorType,
  decodeError,
  encodeError,
  type EncodedError,
  encodeSummary,
} from './jobs/encode-error.ts'
export type { JobControl } from './jobs/job-future.ts'
export { moduleName, referTo } from './jobs/job.ts'
export { type MappedJob, mapJobs } from './jobs/map-jobs.ts'
export { captureStack, stackText, type SubmitStack } from './jobs/submit-stack.ts'
export { decodeValue, encodeValue } from './transport/codec.ts'
export type { ChunkOutcome } from './transport/protocol.ts'
export { noteFailure } from './pool/forgotten-jobs.ts'
