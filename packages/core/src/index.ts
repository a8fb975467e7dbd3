export { asCompleted } from './as-completed.ts'
export { cancelTasks } from './cancel-tasks.ts'
export type { Clock } from './clock.ts'
export { Context, ContextVar, copyContext, Token } from './context.ts'
export {
  type Awaitable,
  Coroutine,
  coroutine,
  type CoroutineFunction,
  type CoroutineGenerator,
  isCoroutine,
  isCoroutineFunction,
} from './coroutine.ts'
export { currentTask, getEventLoop, getRunningLoop } from './current.ts'
export { ensureFuture } from './ensure-future.ts'
export {
  CancelledError,
  DeadlockError,
  InvalidStateError,
  isCancelled,
  KeyboardInterrupt,
  LookupError,
  RuntimeError,
  TimeoutError,
} from './errors.ts'
export { ExceptionGroup } from './exception-group.ts'
export { Future, isFuture } from './future.ts'
export { gather } from './gather.ts'
export { Handle, TimerHandle } from './handle.ts'
export type { TaskMessage } from './instrument.ts'
export {
  allTasks,
  EventLoop,
  type ExceptionContext,
  type ExceptionHandler,
  newEventLoop,
} from './loop.ts'
export { run, Runner, type RunnerOptions } from './run.ts'
export { shield } from './shield.ts'
export { sleep } from './sleep.ts'
export { Sleeper } from './sleeper.ts'
export { type RaceResult, staggeredRace } from './staggered-race.ts'
export { createTask, Task, type TaskOptions, taskSignal } from './task.ts'
export { TaskGroup, taskGroup } from './task-group.ts'
export { type ManagedTask, TaskManager } from './task-manager.ts'
export { formatTaskTree } from './task-tree.ts'
export { moveOnAfter, Timeout, timeout, timeoutAt, waitFor } from './timeout.ts'
export { ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, wait } from './wait.ts'
