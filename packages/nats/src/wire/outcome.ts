/**
 * Encodes the outcome of a job or an ask: one byte for its kind, then the value or the error. The record of a job and the
 * answer to its submitter are the same bytes.
 */
import {
  ActorCrashed,
  ActorRestarting,
  ActorStopped,
  AskTimeout,
  MailboxFull,
  NoProc,
  ReplyError,
} from '@tasktree/actor'
import {
  carryErrorType,
  decodeError,
  encodeError,
  type EncodedError,
  encodeSummary,
} from '@tasktree/executor/lowlevel'
import {
  BusTimeout,
  ClusterClosed,
  ConnectionLost,
  NodeLost,
  PoisonedJob,
  PayloadTooLarge,
  QueueFull,
  ResultTooLarge,
  UnknownJob,
} from '../errors.ts'
import type { Codec } from './codec.ts'

export type Outcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'cancelled' }

const tags = { value: 0, error: 1, cancelled: 2 } as const

const carried = [
  [NoProc, 'ERR_ACTOR_NO_PROC'],
  [ActorStopped, 'ERR_ACTOR_STOPPED'],
  [ActorCrashed, 'ERR_ACTOR_CRASHED'],
  [ActorRestarting, 'ERR_ACTOR_RESTARTING'],
  [AskTimeout, 'ERR_ACTOR_ASK_TIMEOUT'],
  [MailboxFull, 'ERR_ACTOR_MAILBOX_FULL'],
  [ReplyError, 'ERR_ACTOR_REPLY'],
  [BusTimeout, 'ERR_NATS_TIMEOUT'],
  [ClusterClosed, 'ERR_NATS_CLUSTER_CLOSED'],
  [ConnectionLost, 'ERR_NATS_CONNECTION_LOST'],
  [NodeLost, 'ERR_NATS_NODE_LOST'],
  [PayloadTooLarge, 'ERR_NATS_PAYLOAD_TOO_LARGE'],
  [PoisonedJob, 'ERR_NATS_POISONED_JOB'],
  [QueueFull, 'ERR_NATS_QUEUE_FULL'],
  [ResultTooLarge, 'ERR_NATS_RESULT_TOO_LARGE'],
  [UnknownJob, 'ERR_NATS_UNKNOWN_JOB'],
] as const

let isCarried = false

/** Called before the first use and not when this file is loaded, because loading a module must have no effects. */
function carryErrorTypes(): void {
  if (isCarried) return
  isCarried = true
  for (const [type, code] of carried) carryErrorType(type.name, type, code)
}

function tagged(tag: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(body.length + 1)
  bytes[0] = tag
  bytes.set(body, 1)
  return bytes
}

/** @throws the error of the codec for a value that it cannot encode. Errors and cancels can always be encoded. */
export function encodeOutcome(outcome: Outcome, codec: Codec): Uint8Array {
  switch (outcome.kind) {
    case 'value':
      return tagged(tags.value, codec.encode(outcome.value))
    case 'error':
      return tagged(tags.error, encodeThrown(outcome.error, codec))
    case 'cancelled':
      return Uint8Array.of(tags.cancelled)
    default:
      return outcome satisfies never
  }
}

/**
 * Encodes the outcome of `job` for its record. If the codec cannot encode the value, or the record would have more than
 * `limit` bytes, the record holds an error that says so. The job has run, so it is not run again.
 */
export function encodeResult(
  outcome: Outcome,
  codec: Codec,
  job: string,
  limit: number,
): Uint8Array {
  let error: unknown
  try {
    const record = encodeOutcome(outcome, codec)
    if (record.length <= limit) return record
    error = new ResultTooLarge(job, record.length, limit)
  } catch (cause) {
    error = new TypeError(
      `the result of ${job} cannot be sent: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
  return encodeOutcome({ kind: 'error', error }, codec)
}

function encodeThrown(error: unknown, codec: Codec): Uint8Array {
  carryErrorTypes()
  try {
    return codec.encode(encodeError(error, (value) => void codec.encode(value)))
  } catch {
    return codec.encode(encodeSummary(error))
  }
}

/** Decodes the outcome of a job. `sentAt` returns the stack of the call that submitted the job; it is added to an error. */
export function decodeOutcome(
  bytes: Uint8Array,
  codec: Codec,
  sentAt: () => string = () => '',
): Outcome {
  const body = bytes.subarray(1)
  if (bytes[0] === tags.cancelled) return { kind: 'cancelled' }
  if (bytes[0] === tags.value) return { kind: 'value', value: codec.decode(body) }
  carryErrorTypes()
  return { kind: 'error', error: decodeError(codec.decode(body) as EncodedError, sentAt()) }
}
