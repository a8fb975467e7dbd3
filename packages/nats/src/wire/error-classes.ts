import {
  ActorCrashed,
  ActorRestarting,
  ActorStopped,
  AskTimeout,
  MailboxFull,
  NoProc,
  ReplyError,
} from '@tasktree/actor'
import { carryErrorType } from '@tasktree/executor/lowlevel'
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

/** The classes of errors that keep their class when they are sent to another node, each with its code. */
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

/**
 * Lets `encodeError` and `decodeError` carry the classes of this file. Called before the first use of those functions,
 * and not when this file is loaded, because loading a module must have no effects.
 */
export function carryErrorClasses(): void {
  if (isCarried) return
  isCarried = true
  for (const [type, code] of carried) carryErrorType(type.name, type, code)
}
