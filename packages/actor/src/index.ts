export { Actor, type ActorClass } from './actor.ts'
export {
  ActorRef,
  type Ask,
  type Asks,
  type MessageName,
  type Reply,
  type Tells,
} from './actor-ref.ts'
export { type AskOptions, ReplyPort } from './ask.ts'
export type { BackoffOptions } from './backoff.ts'
export { ChildRef } from './child-ref.ts'
export {
  type ActorOptions,
  type ActorSpec,
  type Args,
  child,
  type ChildOptions,
  type ChildSpec,
  type DynamicOptions,
  type DynamicSpec,
  type ResourceOptions,
  type ResourceSpec,
  type Rest,
  type RestartType,
  type SupervisorOptions,
  type SupervisorSpec,
  type TaskSpec,
} from './child-spec.ts'
export { ActorContext } from './context.ts'
export type { DeadLetters } from './dead-letters.ts'
export {
  ActorCrashed,
  ActorRestarting,
  ActorStopped,
  AlreadyPresent,
  AlreadyStarted,
  AskCycle,
  AskTimeout,
  ChildStateError,
  FailedToStart,
  LinkDied,
  MailboxFull,
  NameTaken,
  NoProc,
  ReplyError,
  RestartLimitError,
  StaleIncarnation,
  StashFull,
  SupervisorStopping,
  TooManyChildren,
  UnexpectedCancellation,
  WorkerExit,
} from './errors.ts'
export type { DeadLetter, DeadLetterReason, SystemEvent } from './events.ts'
export { type ExitReason, formatReason } from './exit-reason.ts'
export { consoleLogger, type Logger, silentLogger } from './logger.ts'
export type { MailboxOptions } from './mailbox.ts'
export type { Message } from './message.ts'
export type { Down, Monitor } from './monitor.ts'
export type { Group, GroupEvent } from './registry.ts'
export { ResourceRef } from './resource.ts'
export type { Decision } from './run.ts'
export type { ChildKind, ChildStatus } from './slot.ts'
export { spawn, type SpawnOptions } from './spawn.ts'
export { type ChildCounts, type ChildInfo, type RefOf, SupervisorRef } from './supervisor-ref.ts'
export { type ActorStatistics, sys, type TraceEvent } from './sys.ts'
export { ActorSystem, type ActorSystemOptions, type SystemSnapshot } from './system.ts'
export type { ActorTimer, TimerOptions } from './timers.ts'
export type { NodeSnapshot } from './tree.ts'
