/**
 * The parts from which other packages build an executor whose jobs run elsewhere, for example on other machines. These
 * exports are documented and follow semver like those of the main entry point.
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
export { captureStack, stackText, type SubmitStack, SubmitStacks } from './jobs/submit-stack.ts'
export { decodeValue, encodeValue } from './transport/codec.ts'
export type { ChunkOutcome } from './transport/protocol.ts'
export { noteFailure } from './pool/forgotten-jobs.ts'
