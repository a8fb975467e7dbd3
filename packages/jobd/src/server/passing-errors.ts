import {
  ActorRestarting,
  ActorStopped,
  AskTimeout,
  MailboxFull,
  NoProc,
  SupervisorStopping,
} from '@tasktree/actor'

const kinds = [NoProc, ActorStopped, ActorRestarting, AskTimeout, MailboxFull, SupervisorStopping]

/**
 * Whether the error says that a part of the tree has ended or is being restarted. The same request may succeed later.
 */
export function isPassing(error: unknown): error is Error {
  return error instanceof Error && kinds.some((kind) => error instanceof kind)
}
