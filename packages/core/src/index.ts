export { asCompleted } from './combine/as-completed.ts'
export { cancelTasks } from './combine/cancel-tasks.ts'
export type { Clock } from './loop/clock.ts'
export { Context, ContextVar, copyContext, Token } from './context/context-vars.ts'
export {
  type Awaitable,
  Coroutine,
  coroutine,
  type CoroutineFunction,
  type CoroutineGenerator,
  isCoroutine,
  isCoroutineFunction,
} from './tasks/coroutine.ts'
export { currentTask, getEventLoop, getRunningLoop } from './context/current.ts'
export { detached } from './context/detached.ts'
export { ensureFuture } from './tasks/ensure-future.ts'
export {
  CancelledError,
  DeadlockError,
  InvalidStateError,
  isCancelled,
  KeyboardInterrupt,
  LookupError,
  RuntimeError,
  TimeoutError,
} from './errors/errors.ts'
export { ExceptionGroup } from './errors/exception-group.ts'
export { Future, isFuture } from './futures/future.ts'
export { gather } from './combine/gather.ts'
export { Handle, TimerHandle } from './loop/handle.ts'
export type { TaskMessage } from './tasks/channels.ts'
export type { ExceptionContext, ExceptionHandler } from './loop/exception-handler.ts'
export { allTasks, EventLoop, newEventLoop } from './loop/loop.ts'
export { run } from './run/run.ts'
export { runMain } from './run/run-main.ts'
export { Runner, type RunnerOptions } from './run/runner.ts'
import { exposeSnapshotToTools } from './snapshot/expose-to-tools.ts'
export { captureAwaitSites } from './futures/await-sites.ts'
export {
  type LoopSnapshot,
  type RuntimeSnapshot,
  type ScopeSnapshot,
  snapshot,
  type TaskSnapshot,
  type WaitSnapshot,
} from './snapshot/snapshot.ts'
export { why } from './snapshot/why.ts'
export { shield } from './combine/shield.ts'
export { checkpoint, sleep, sleepForever } from './combine/sleep.ts'
export { any, race } from './combine/race.ts'
export { iterate } from './combine/iterate.ts'
export { Sleeper } from './combine/sleeper.ts'
export { type RaceResult, staggeredRace } from './combine/staggered-race.ts'
export { createTask, Task, type TaskOptions, taskSignal } from './tasks/task.ts'
export { TaskGroup, taskGroup, type TaskGroupOptions } from './scopes/task-group.ts'
export { type ManagedTask, TaskManager } from './run/task-manager.ts'
export { formatTaskTree } from './tasks/format-task-tree.ts'
export { Timeout, timeout, timeoutAt, waitFor } from './scopes/timeout.ts'
export {
  CancelScope,
  cancelScope,
  type CancelScopeOptions,
  type ScopeResult,
} from './scopes/cancel-scope.ts'
export { currentScope, effectiveDeadline } from './scopes/current-scope.ts'
export { failAfter, moveOnAfter } from './scopes/fail-after.ts'
export { shielded } from './scopes/shielded.ts'
export { ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, wait } from './combine/wait.ts'

exposeSnapshotToTools()
