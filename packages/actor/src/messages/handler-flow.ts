import { AsyncLocalStorage } from 'node:async_hooks'
import { currentTask, type Task } from '@tasktree/core'
import type { ActorIncarnation } from '../actors/actor-incarnation.ts'
import type { Envelope } from './envelope.ts'
import { messageTracing } from './tracing.ts'
import type { ReplyPort } from './deferred-replies.ts'

/**
 * One run of a handler or hook.
 *
 * The problem: an actor may run several handlers at once (with its list `interleave`, or the ask option `reentrant`),
 * and a handler may leave callbacks behind. `ctx.reply()`, `ctx.stash()` and `ref.ask` must know to which run of a
 * handler their calling code belongs. This is not always the handler that was called last.
 *
 * The idea: each run of a handler has its own HandlerFlow. An AsyncLocalStorage carries the HandlerFlow through every
 * await and callback. But `AsyncLocalStorage.run` takes about 180 nanoseconds, and the call of a short handler takes
 * 12. So a handler is called without `run` if a handler of the same name has run before, and none has ever waited. Until
 * that handler has returned, the variable `running` leads to its HandlerFlow. If it waits after all, `currentFlow` finds its HandlerFlow
 * through the task of the actor.
 */
export class HandlerFlow implements RunningHandler {
  readonly incarnation: ActorIncarnation
  readonly envelope: Envelope
  /** The task in which the code of the handler runs. Several handlers of an actor may share one task. */
  readonly task: Task
  /** When the handler was called, in milliseconds of `performance.now()`. */
  readonly since: number
  /** The promise that the handler has returned; null if it has not returned a promise. */
  promise: PromiseLike<unknown> | null = null
  /**
   * A promise that fulfils when `promise` has settled. `bodyWaitsFor` of `@tasktree/core` awaits this promise to find
   * out whether this handler waits for a certain future: if so, the stack trace of that wait leads to that `await`. No
   * other code may await this promise, because V8 shows no stack trace through a promise that is awaited twice. Then
   * `bodyWaitsFor` would return false although the handler waits. Null for a hook, for a handler that has its own task,
   * and before the handler has returned a promise.
   */
  settled: Promise<unknown> | null = null
  /**
   * The ReplyPort (an object that answers the ask later) that the handler got from `ctx.reply()`, or null. If the
   * handler has a ReplyPort, its result does not answer the ask.
   */
  port: ReplyPort | null = null
  /**
   * True if the handler has called `ctx.stash()`. The message is then handled again later, and the result of this run
   * does not answer it.
   */
  stashed = false
  ended = false
  /**
   * True once the handler has returned a promise that had not settled yet. False before that, and for a handler that
   * never waits.
   */
  hasWaited = false
  /** How many asks the code of this handler has made that are not answered yet. */
  pendingAsks = 0

  constructor(incarnation: ActorIncarnation, envelope: Envelope, task: Task, since: number) {
    this.incarnation = incarnation
    this.envelope = envelope
    this.task = task
    this.since = since
  }

  get flow(): HandlerFlow {
    return this
  }

  end(): void {
    this.ended = true
    if (messageTracing.isLive) messageTracing.settle(this, {})
  }
}

const storage = new AsyncLocalStorage<HandlerFlow | null>()

/**
 * A handler that runs now. `flow` returns its HandlerFlow (the object for one run of a handler). HandlerFlow implements
 * this interface, and so does MessageLoop, the class that calls the handlers of an actor. It makes the HandlerFlow
 * only when code reads `flow`, because most handlers do not need it.
 */
export interface RunningHandler {
  readonly incarnation: ActorIncarnation
  readonly flow: HandlerFlow
}

/** The handler whose call has not returned yet; of several, the one that was called last. Null if there is none. */
let running: RunningHandler | null = null

/** Maps a task to the incarnation (one run of an actor) that runs in the task. */
const incarnations = new WeakMap<Task, ActorIncarnation>()

/**
 * Records that `incarnation` (one run of an actor) runs in `task`. Usually `currentIncarnation()` finds the incarnation by
 * the handler that runs now, or by the value of the AsyncLocalStorage. Code of the task that runs in no handler has
 * neither, and neither has a handler that was called without `AsyncLocalStorage.run` and has waited. For such code,
 * `currentIncarnation()` looks up the current task and the tasks that it comes from.
 */
export function setTaskOf(incarnation: ActorIncarnation, task: Task): void {
  incarnations.set(task, incarnation)
}

/**
 * Calls `handler` as a part of `flow` (one run of a handler). In `handler`, and in all tasks and callbacks that
 * `handler` starts, `currentFlow()` then returns `flow`.
 */
export function runInFlow<T>(flow: HandlerFlow, handler: () => T): T {
  const outer = running
  running = flow
  try {
    return storage.run(flow, handler)
  } finally {
    running = outer
  }
}

/**
 * Sets the variable `running` to `handler`; null stands for no handler. Returns the old value, to which the caller must
 * set the variable again when `handler` has returned. Unlike `runInFlow`, this function does not call
 * `AsyncLocalStorage.run`, so code of the handler finds its HandlerFlow (the object for one run of a handler) only
 * until the handler has returned.
 */
export function switchRunning(handler: RunningHandler | null): RunningHandler | null {
  const outer = running
  running = handler
  return outer
}

/**
 * How many handlers were called outside of `AsyncLocalStorage.run` and now wait for a promise. Code of such a handler
 * does not find its HandlerFlow in `storage`. So if this number is not 0, `currentFlow` also looks for the HandlerFlow
 * through the task of the calling code.
 */
let unentered = 0

/**
 * `change` is 1 when a handler that was called outside of `AsyncLocalStorage.run` begins to wait, and -1 when that
 * handler has ended. The sum is the number of such handlers. It tells `currentFlow` whether a HandlerFlow may exist
 * that is not in `storage`.
 */
export function countUnentered(change: 1 | -1): void {
  unentered += change
}

/**
 * Calls `fn` so that `fn`, and all tasks and callbacks that `fn` starts, belong to no handler, even if a handler makes
 * this call.
 */
export function runOutsideOfFlows<T>(fn: () => T): T {
  const outer = running
  running = null
  try {
    return storage.getStore() == null ? fn() : storage.run(null, fn)
  } finally {
    running = outer
  }
}

/**
 * Returns the HandlerFlow (one run of a handler) that the calling code belongs to, even if that handler has ended, as
 * for a callback that it left behind. Returns null if the calling code belongs to no handler.
 */
export function currentFlow(): HandlerFlow | null {
  if (running !== null) return running.flow
  const stored = storage.getStore()
  if (stored != null) return stored
  return unentered === 0 ? null : (currentIncarnation()?.messageLoop.unenteredFlow ?? null)
}

/**
 * Returns the incarnation (one run of an actor) that the calling code belongs to, for example as a part of a handler or of
 * a hook such as `onStart`. Returns null if the calling code belongs to no actor.
 */
export function currentIncarnation(): ActorIncarnation | null {
  const handler = running ?? storage.getStore()
  if (handler != null) return handler.incarnation
  for (let task = currentTask(); task !== null; task = task.parent) {
    const incarnation = incarnations.get(task)
    if (incarnation !== undefined) return incarnation
  }
  return null
}

/**
 * Returns the HandlerFlow (one run of a handler) that the calling code belongs to. Returns null if that handler has
 * ended, or if the calling code belongs to no handler.
 */
export function activeFlow(): HandlerFlow | null {
  const flow = currentFlow()
  return flow === null || flow.ended ? null : flow
}
