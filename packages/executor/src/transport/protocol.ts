import type { MessagePort } from 'node:worker_threads'
import type { EncodedError } from '../jobs/encode-error.ts'

/** The function that a module exports under `name`. */
export interface ModuleTarget {
  readonly url: string
  readonly name: string
}

/** A function that is sent as its source text. */
export interface SourceTarget {
  readonly source: string
}

export type JobTarget = SourceTarget | ModuleTarget

/** Text fields that tracing tools send with a job to its worker, such as `traceparent` of W3C. */
export type Carrier = Readonly<Record<string, string>>

/**
 * How a worker calls the function of a job. If `chunked`, the one argument is a list, and the worker calls the function
 * with each of its items. If there is no carrier, the mode is only the boolean `chunked`, because a boolean makes a
 * smaller message than an object.
 */
export type CallMode = boolean | { readonly chunked: boolean; readonly carrier: Carrier }

/**
 * The message of one job. Messages that are sent for each job are tuples, because structured clone copies a tuple
 * faster than an object with named fields.
 *
 * `seq` counts the jobs of one worker from 1; the worker starts them in this order. `kind` is the number of the
 * function. `target` is the function itself; it is null if the worker already knows the function.
 */
export type JobMessage = readonly [
  seq: number,
  kind: number,
  args: readonly unknown[],
  target: JobTarget | null,
  mode: CallMode,
]

/** A job that is sent alone, as one flat list. Copying two more nested lists would take 0.8 microseconds. */
export type SingleJobMessage = readonly [
  seq: number,
  kind: number,
  target: JobTarget | null,
  mode: CallMode,
  ...args: readonly unknown[],
]

export function isSingle(
  message: readonly JobMessage[] | SingleJobMessage,
): message is SingleJobMessage {
  return typeof message[0] === 'number'
}

/**
 * Messages that a worker reads only while it runs no job. They carry the caller's values, and a value may kill the
 * worker that receives it, so such a message must not be read while another caller's job is running. Pool and worker
 * both count these messages from 1. The count identifies a message that the worker could not read.
 */
export type JobsMessage =
  | readonly JobMessage[]
  | SingleJobMessage
  | { type: 'init'; target: JobTarget | null; args: readonly unknown[] }
  /** Tells the worker to drop all functions that it knows. The pool sends a function again when a job needs it. */
  | { type: 'forget' }

/** Messages that a worker reads at once, even while a job waits for a promise. They carry no values of the caller. */
export type ControlMessage =
  /** Tells the worker to abort the signal of job `seq`. */
  | { type: 'cancel'; seq: number }
  /** Tells the worker that streaming job `seq` may yield `count` more values. */
  | { type: 'credit'; seq: number; count: number }
  /** Wakes a worker that is in its event loop, because a JobsMessage is in its port. */
  | { type: 'look' }
  /** Tells the worker to end by itself, so that its exit listeners run and its output is written. */
  | { type: 'stop' }

/**
 * The result of a job that took `ms` milliseconds. `next` is the job that the worker begins now, or 0 when it has
 * received no other job. The pool needs `next` only from a worker process, with which it shares no memory.
 */
export type ResultMessage = readonly [seq: number, ms: number, next: number, value: unknown]

/**
 * The result of a chunk of `map`: the results of the items up to the first failure, and that failure. Results that were
 * already sent in `part` messages come before these.
 */
export interface ChunkOutcome {
  readonly results: readonly unknown[]
  readonly error: EncodedError | null
}

/** The messages that a worker sends to its pool. */
export type FromWorker =
  | { type: 'ready' }
  | { type: 'failed'; error: EncodedError }
  /** Only from a worker process: the worker begins job `seq`, which no earlier message has announced as `next`. */
  | { type: 'start'; seq: number }
  | ResultMessage
  | { type: 'error'; seq: number; ms: number; next: number; error: EncodedError }
  /** The jobs up to number `started` have started. The jobs after that, up to number `upTo`, will never start. */
  | { type: 'recalled'; upTo: number; started: number }
  | { type: 'yield'; seq: number; value: unknown }
  /**
   * Results of a chunk, sent after its last item and before its outcome: either one deeply nested result alone, or the
   * results before such a result. The `part` messages of a chunk come in the order of its results.
   */
  | { type: 'part'; seq: number; results: readonly unknown[] }
  /**
   * Announces that the next message is a `part` of job `seq`, whose result may be nested too deeply for the pool to
   * read.
   */
  | { type: 'deep'; seq: number }
  | { type: 'progress'; seq: number; value: unknown }
  /** The worker cannot decode its JobsMessage number `message`; `why` is the reason. */
  | { type: 'unreadable'; message: number; why: string }

/**
 * Whether `message` is a tuple, and not an object with a field `type`. Does not look for `type`, because a job may have
 * given all objects of its worker such a property.
 */
export function isTuple<M extends object>(message: M): message is Extract<M, readonly unknown[]> {
  return Array.isArray(message)
}

/** How many values a streaming job may yield before its reader has read the first of them. */
export const streamWindow = 16

/** The `workerData` of a worker thread. */
export interface ThreadIdentity {
  readonly id: number
  /** Shared memory that shows which jobs have started, and whether the worker sleeps: see JobClaims and Doorbell. */
  readonly memory: Int32Array
  /** The port for ControlMessages to the worker and FromWorker messages to the pool. */
  readonly control: MessagePort
  /** The port for JobsMessages to the worker. */
  readonly jobs: MessagePort
}

/** The `workerData` of the watch thread of a worker process. */
export interface WatchIdentity {
  readonly watched: Int32Array
}

export const identityKey = '@tasktree/executor.worker'
