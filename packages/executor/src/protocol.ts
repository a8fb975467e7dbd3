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
  /** Aborts the job's signal. */
  | { type: 'cancel'; seq: number }
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
