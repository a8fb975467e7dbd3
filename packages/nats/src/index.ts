export type { Bus, BusStatus, Connector } from './bus/bus.ts'
export type { DurabilityOptions } from './bus/durability.ts'
export { Cluster, cluster, type ClusterOptions, clusterTree, connect } from './cluster/cluster.ts'
export type { EntityShare, NodeInfo } from './link/nodes.ts'
export type { ClusterSnapshot, EntitySnapshot, QueueSnapshot } from './cluster/snapshot.ts'
export {
  BusTimeout,
  ClusterClosed,
  ConnectFailed,
  ConnectionLost,
  ConsumerStalled,
  Fenced,
  LeaseLost,
  NodeLost,
  NoJetStream,
  PayloadTooLarge,
  PoisonedJob,
  QueueFull,
  ResultTooLarge,
  SettingsDiffer,
  UnknownJob,
} from './errors.ts'
export {
  RemoteExecutor,
  type RemoteExecutorOptions,
  type SubmitOptions,
} from './executor/remote-executor.ts'
export { RemoteJob } from './executor/remote-job.ts'
export { remoteJobs } from './executor/remote-jobs.ts'
export type { EntityOptions, EntityRest, StateCodec } from './entities/entity-type.ts'
export type { SingletonOptions } from './leases/singleton.ts'
export { type LookupOptions, RemoteRef } from './services/remote-ref.ts'
export type { ServiceOptions } from './services/service.ts'
export { cloneCodec, type Codec, jsonCodec } from './wire/codec.ts'
export { traceparent } from './wire/trace.ts'
export type { Handlers, WorkerModules } from './worker/modules.ts'
export type { WorkerOptions } from './worker/worker.ts'
