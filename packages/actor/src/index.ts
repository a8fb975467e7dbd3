export { Actor, type ActorClass } from './actors/actor.ts'
export type { ActorRef } from './actors/actor-ref.ts'
export { LocalActorRef } from './actors/local-actor-ref.ts'
export type {
  Ask,
  Asks,
  MessageName,
  Reply,
  SelfRef,
  Tell,
  TellOptions,
  Tells,
} from './actors/message-types.ts'
export type { AskOptions } from './messages/ask.ts'
export { deriveIdempotencyKey } from './messages/idempotency-key.ts'
export { ReplyPort } from './messages/deferred-replies.ts'
export type { BackoffOptions } from './children/backoff.ts'
export { ChildRef } from './children/child-ref.ts'
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
} from './children/child-spec.ts'
export { ActorContext } from './actors/actor-context.ts'
export type { DeadLetters } from './messages/dead-letters.ts'
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
export type { DeadLetter, DeadLetterReason, SystemEvent } from './runtime/events.ts'
export { type ExitReason, formatReason } from './exit-reason.ts'
export {
  consoleLogger,
  type Logger,
  silentLogger,
  type StructuredLogger,
} from './runtime/logger.ts'
export type { MailboxOptions } from './messages/mailbox.ts'
export type { Message } from './messages/envelope.ts'
export type { Down, Monitor } from './actors/monitor.ts'
export type { Group, GroupEvent } from './runtime/registry.ts'
export { ResourceRef } from './children/resource.ts'
export type { Decision } from './children/incarnation.ts'
export type { ChildKind, ChildStatus } from './children/child.ts'
export { spawn, type SpawnOptions } from './actors/spawn.ts'
export {
  type ChildCounts,
  type ChildInfo,
  type RefOf,
  SupervisorRef,
} from './supervision/supervisor-ref.ts'
export { type ActorStatistics, sys, type TraceEvent } from './actors/sys.ts'
export { ActorSystem, type ActorSystemOptions, type SystemSnapshot } from './system/system.ts'
export type { ActorTimer, TimerOptions } from './actors/timers.ts'
export type { NodeSnapshot } from './system/tree-snapshot.ts'
