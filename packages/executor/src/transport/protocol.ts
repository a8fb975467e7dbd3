import type { MessagePort } from 'node:worker_threads'
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
 * A job. Messages that travel with each job are tuples, because structured clone copies a tuple faster than an
 * object with named fields.
 *
 * `seq` counts the jobs of one worker from 1; the worker starts them in this order. `kind` is the number of the
 * function; `target` is the function itself, and is sent only with the first job of the kind that a worker gets.
 * When `chunked` is true, the one argument is a list, and the worker calls the function with each of its items.
 */
export type JobMessage = readonly [
  seq: number,
  kind: number,
  args: readonly unknown[],
  target: JobTarget | null,
  chunked: boolean,
]

/** A job that travels alone, in one flat list: the copies of two more lists would take 0.8 microseconds. */
export type SingleJobMessage = readonly [
  seq: number,
  kind: number,
  target: JobTarget | null,
  chunked: boolean,
  ...args: readonly unknown[],
]

export function isSingle(
  message: readonly JobMessage[] | SingleJobMessage,
): message is SingleJobMessage {
  return typeof message[0] === 'number'
}

/**
 * What a worker reads only while it runs no job. These messages carry the caller's values, and a value may kill
 * the worker that receives it, so it must not arrive while somebody else's job is running. Pool and worker both
 * count these messages from 1; the count names a message that the worker could not read.
 */
export type JobsMessage =
  | readonly JobMessage[]
  | SingleJobMessage
  | { type: 'init'; target: JobTarget | null; args: readonly unknown[] }
  /** The worker drops the functions it has; the pool sends them again when it needs them. */
  | { type: 'forget' }

/** What a worker reads at once, also while a job waits. These messages carry no values of the caller. */
export type ControlMessage =
  /** Aborts the job's signal. */
  | { type: 'cancel'; seq: number }
  /** A streaming job may yield this many more values. */
  | { type: 'credit'; seq: number; count: number }
  /** The worker has a message to read, and is asleep in its event loop. */
  | { type: 'look' }
  /** The worker ends by itself, so that its exit listeners run and its output is written. */
  | { type: 'stop' }

/**
 * A job's result, after `ms` milliseconds. `next` is the job that the worker begins now, 0 when there is none
 * that it has read; only a worker process fills it in.
 */
export type ResultMessage = readonly [seq: number, ms: number, next: number, value: unknown]

/**
 * The result of a chunk of `map`: the items' results up to the first failure, and that failure. The results that
 * `part` messages have brought come before these.
 */
export interface ChunkOutcome {
  readonly results: readonly unknown[]
  readonly error: EncodedError | null
}

/** What a worker sends to its pool. */
export type FromWorker =
  | { type: 'ready' }
  | { type: 'failed'; error: EncodedError }
  /** Only from a process: the worker begins this job, which no ResultMessage has announced. */
  | { type: 'start'; seq: number }
  | ResultMessage
  | { type: 'error'; seq: number; ms: number; next: number; error: EncodedError }
  /** The jobs up to `started` have started. The jobs after it, up to `upTo`, will never start. */
  | { type: 'recalled'; upTo: number; started: number }
  | { type: 'yield'; seq: number; value: unknown }
  /** Results of a chunk that travel ahead of its end, because one of them is deep. */
  | { type: 'part'; seq: number; results: readonly unknown[] }
  /** The next message is a `part` of job `seq`, with a result that may be too deep for the pool to read. */
  | { type: 'deep'; seq: number }
  | { type: 'progress'; seq: number; value: unknown }
  /** The worker cannot decode its JobsMessage number `message`, because of `why`. */
  | { type: 'unreadable'; message: number; why: string }

/** How many values a streaming job may be ahead of its reader. */
export const streamWindow = 16

/** What a worker thread finds in its `workerData`. */
export interface ThreadIdentity {
  readonly id: number
  /** Which jobs have started, and whether the worker sleeps: see JobClaims and Doorbell. */
  readonly memory: Int32Array
  /** ControlMessages come in here, FromWorker messages go out. */
  readonly control: MessagePort
  /** JobsMessages come in here. */
  readonly jobs: MessagePort
}

/** What the watch thread of a worker process finds in its `workerData`. */
export interface WatchIdentity {
  readonly watched: Int32Array
}

export const identityKey = '@tasktree/executor.worker'
