export { ClientClosed } from './client/connections.ts'
export {
  type AddOptions,
  type EveryOptions,
  JobClient,
  JobFailedError,
  type ResultOf,
  toRecord,
} from './client/job-client.ts'
export type { AttemptRecord, Job, JobFilter, JobRequest, JobState } from './jobs/job.ts'
export { defineKinds, type JobContext, type Kind, type Kinds, type Pools } from './jobs/kind.ts'
export type { JsonForm } from './jobs/json-form.ts'
export type { Rate } from './jobs/kind-limits.ts'
export { KindError, type KindSource, type Reloaded } from './jobs/kind-table.ts'
export { ErrorReply, ProtocolError, type Reply } from './protocol/resp.ts'
export type { LimitChange } from './jobs/kind-limits.ts'
export type { Token } from './server/credentials.ts'
export type { ListenerOptions } from './server/listener.ts'
export { JobFileError } from './store/job-file.ts'
export type { Retention } from './store/retention.ts'
export { type Jobd, type JobdOptions, startJobd } from './tree/jobd.ts'
