/**
 * The functions and classes from which the other packages of Tasktree are built, and with which you can build your own
 * primitives, such as a new kind of lock. They are documented, and change only as semantic versioning allows, like the
 * exports of the main entry point.
 */
export { Claim } from './futures/claim.ts'
export { abortError, cancelOnAbort, onAbort } from './futures/on-abort.ts'
export { completed } from './futures/future.ts'
export {
  checkBody,
  checkCancelMessage,
  checkCount,
  checkDelay,
  checkDuration,
  checkFlag,
  checkOptions,
  checkSignal,
  describe,
  isIterable,
  isThenable,
} from './arguments.ts'
export { startAtCaller } from './errors/caller-stack.ts'
export { timelineOf } from './loop/loop.ts'
export { LinkedList, type Linked } from './linked-list.ts'
export { growingDelay, type GrowingDelays } from './growing-delay.ts'
export { afterDelay } from './loop/after-delay.ts'
export { hasFailed, observe } from './futures/observe.ts'
export { whenLostUnseen } from './futures/unretrieved.ts'
export { currentFrame } from './context/current.ts'
export { Frame } from './tasks/frame.ts'
export { abandon } from './tasks/abandon.ts'
export { bodyWaitsFor } from './tasks/body-waits-for.ts'
export { runInNewFrame } from './scopes/open-frame.ts'
export { cancelIsDue, deferred } from './tasks/cancel-is-due.ts'
export { waitAnyway } from './scopes/wait-anyway.ts'
export { takeRejections } from './loop/unhandled-rejections.ts'
export { takeSignal } from './run/interrupt-signals.ts'
export { addSnapshotPart } from './snapshot/snapshot.ts'
export { idOf as taskId } from './snapshot/task-ids.ts'
export { durationText } from './futures/duration-text.ts'
export { printable } from './futures/printable.ts'
export { DetailedFuture } from './futures/detailed-future.ts'
export { ObservedFuture } from './futures/observed-future.ts'
export { detailsOf, type WaitDetails, waitDetails } from './futures/wait-details.ts'
export { LiveList } from './loop/live-list.ts'
export { type TraceEntry, type TraceOutcome, Tracing } from './tasks/tracing.ts'
export { createServiceTask } from './tasks/service-task.ts'
export { TaskTurn } from './tasks/task-turn.ts'
