import {
  ActorRestarting,
  ActorStopped,
  AskTimeout,
  MailboxFull,
  NoProc,
  SupervisorStopping,
} from '@tasktree/actor'

const kinds = [NoProc, ActorStopped, ActorRestarting, AskTimeout, MailboxFull, SupervisorStopping]

/** Whether the error says that a part of the tree has ended or is being started again. The same question may be asked again. */
export function isPassing(error: unknown): error is Error {
  return error instanceof Error && kinds.some((kind) => error instanceof kind)
}
