import type { EncodedError } from './encode-error.ts'

/** A function by its source; the source itself only the first time a worker gets it. */
export interface SourceTarget {
  readonly id: number
  readonly source?: string
}

/** An exported function of a module. */
export interface ModuleTarget {
  readonly url: string
  readonly name: string
}

export interface JobMessage {
  /** Counts the jobs of one worker from 1; they start in this order. */
  readonly seq: number
  readonly target: SourceTarget | ModuleTarget
  readonly args: readonly unknown[]
  /** The one argument is a list, and the function is called with each of its items. */
  readonly chunked: boolean
}

/** What a pool tells a worker. */
export type ToWorker =
  | { type: 'init'; target: SourceTarget | ModuleTarget | null; args: readonly unknown[] }
  | { type: 'run'; jobs: readonly JobMessage[] }
  /** Aborts the job's signal; one that has not started is dropped. */
  | { type: 'cancel'; seq: number }
  /** Jobs up to this one that have not started are dropped. */
  | { type: 'recall'; upTo: number }
  /** A streaming job may yield so many more values. */
  | { type: 'credit'; seq: number; count: number }
  /** The sources it has are forgotten. */
  | { type: 'forget' }

/** What a chunk of `map` comes to: results up to the first failure. */
export interface ChunkOutcome {
  readonly results: readonly unknown[]
  readonly error: EncodedError | null
}

/** What a worker tells its pool. */
export type FromWorker =
  | { type: 'ready' }
  | { type: 'failed'; error: EncodedError }
  /** Only where no memory is shared: an idle worker begins this job. */
  | { type: 'start'; seq: number }
  /** `next` is the job it begins now, 0 when it has none; only where no memory is shared. */
  | { type: 'result'; seq: number; ms: number; next: number; value: unknown }
  | { type: 'error'; seq: number; ms: number; next: number; error: EncodedError }
  | { type: 'dropped'; seqs: readonly number[] }
  | { type: 'yield'; seq: number; value: unknown }
  | { type: 'progress'; seq: number; value: unknown }

/** How many values a streaming job may be ahead of who reads them. */
export const streamWindow = 16

/**
 * Memory that a thread shares with its pool: `claimedSlot` holds the last job that has started. A worker
 * starts job n by exchanging n-1 for n; a pool takes back what has not started by exchanging the last
 * started for the last sent. One word decides, so a job is started once or taken back, never both,
 * also while the worker's code blocks.
 */
export const claimedSlot = 0
/** The running job that is to stop: seen by a loop that never lets messages in. */
export const cancelledSlot = 1

/** How a worker knows that it is one. */
export interface WorkerIdentity {
  readonly id: number
  readonly shared: Int32Array | null
}

export const identityKey = '@tasktree/executor.worker'
