import type { EncodedError } from '../jobs/encode-error.ts'

/** An exported function of a module. */
export interface ModuleTarget {
  readonly url: string
  readonly name: string
}

/** A function by its source. */
export interface SourceTarget {
  readonly source: string
}

export type JobTarget = SourceTarget | ModuleTarget

/**
 * A job. Frames that travel with each job are tuples, which clone in less time than objects.
 *
 * `seq` counts the jobs of one worker from 1; they start in this order. `kind` names the function, and
 * `target`, only the first time a worker gets one of the kind, is the function. `chunked`: the one
 * argument is a list, and the function is called with each of its items.
 */
export type JobMessage = readonly [
  seq: number,
  kind: number,
  args: readonly unknown[],
  target: JobTarget | null,
  chunked: boolean,
]

/**
 * A job's result after `ms` milliseconds. `next` is the job that the worker begins now, 0 when it has
 * none; only where no memory is shared.
 */
export type ResultMessage = readonly [seq: number, ms: number, next: number, value: unknown]

/** What a pool tells a worker. */
export type ToWorker =
  | readonly JobMessage[]
  | { type: 'init'; target: JobTarget | null; args: readonly unknown[] }
  /** Aborts the job's signal. */
  | { type: 'cancel'; seq: number }
  /** A streaming job may yield so many more values. */
  | { type: 'credit'; seq: number; count: number }
  /** The functions it has are forgotten. */
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
  | ResultMessage
  | { type: 'error'; seq: number; ms: number; next: number; error: EncodedError }
  /** Of the jobs up to `upTo` only those up to `started` have started, and no other will. */
  | { type: 'recalled'; upTo: number; started: number }
  | { type: 'yield'; seq: number; value: unknown }
  | { type: 'progress'; seq: number; value: unknown }

/** How many values a streaming job may be ahead of who reads them. */
export const streamWindow = 16

/** How a worker knows that it is one. */
export interface WorkerIdentity {
  readonly id: number
  readonly shared: Int32Array | null
}

export const identityKey = '@tasktree/executor.worker'
