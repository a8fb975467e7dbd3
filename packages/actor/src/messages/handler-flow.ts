import { AsyncLocalStorage } from 'node:async_hooks'
import { currentTask, type Task } from '@tasktree/core'
import type { ActorIncarnation } from '../actors/actor-incarnation.ts'
import type { Envelope } from './envelope.ts'
import { messageTracing } from './tracing.ts'
import type { ReplyPort } from './deferred-replies.ts'

/**
 * One run of a handler.
 *
 * The problem: an actor may run several handlers at once (interleaved messages, reentrant asks), and a handler may
 * leave callbacks behind. `ctx.reply()`, `ctx.stash()` and an ask must act for the message of the code that calls them.
 * That is not always the message that the actor handles at that moment.
 *
 * The idea: each run of a handler has its own HandlerFlow. An AsyncLocalStorage carries the HandlerFlow through every
 * await and callback. Until the handler has returned, the variable `running` holds the HandlerFlow too. So a handler
 * that never waits need not enter the storage.
 */
export class HandlerFlow implements RunningHandler {
  readonly incarnation: ActorIncarnation
  readonly envelope: Envelope
  /** The task in which this handler waits. */
  readonly task: Task
  /** When the handler was called, in milliseconds of `performance.now()`. */
  readonly since: number
  /** The promise that the handler has returned; null before that. */
  promise: PromiseLike<unknown> | null = null
  /**
   * A promise that fulfils when `promise` has settled, and that no other code awaits. `bodyWaitsFor` of
   * `@tasktree/core`, which finds what the body of a task waits for, takes it as its second argument: handlers share
   * the task, and this promise says which handler is meant. Null for a hook, and for a handler that has its own task.
   */
  settled: Promise<unknown> | null = null
  /**
   * The ReplyPort that the handler took with `ctx.reply()`; otherwise null. If the handler took a port, its result does
   * not answer the ask.
   */
  port: ReplyPort | null = null
  /**
   * Whether the handler has called `ctx.stash()`. If so, the message is handled again later, and the result of this run
   * is not its answer.
   */
  stashed = false
  ended = false
  /** True when the handler has returned a promise that was still pending. False while its code has not waited yet. */
  hasWaited = false
  /** The number of asks that this handler has sent and that were not answered yet. */
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
 * A handler that runs, and a way to get its HandlerFlow. Two classes implement it: HandlerFlow itself, and Handlers,
 * which makes the HandlerFlow of its main handler only when code reads `flow`.
 */
export interface RunningHandler {
  readonly incarnation: ActorIncarnation
  readonly flow: HandlerFlow
}

/** The handler that was called last and has not returned yet; otherwise null. */
let running: RunningHandler | null = null

/** Maps the task of each incarnation to the incarnation. */
const incarnations = new WeakMap<Task, ActorIncarnation>()

/**
 * Records that `task` runs `incarnation`. `currentIncarnation()` needs this record for a handler that was called
 * without `storage.run`.
 */
export function setTaskOf(incarnation: ActorIncarnation, task: Task): void {
  incarnations.set(task, incarnation)
}

/** Calls `handler` so that `handler`, and all code that `handler` starts, belongs to `flow`. */
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
 * Sets the variable `running` to `handler`, without entering the AsyncLocalStorage. Returns the previous value, which
 * the caller must set again when the handler has returned.
 */
export function switchRunning(handler: RunningHandler | null): RunningHandler | null {
  const outer = running
  running = handler
  return outer
}

/**
 * How many handlers wait for a promise and were called without entering the AsyncLocalStorage. While the number is 0,
 * `currentFlow` need not look for such a handler.
 */
let unentered = 0

/** Adds `change` to `unentered`: 1 when such a handler begins to wait, -1 when it has ended. */
export function countUnentered(change: 1 | -1): void {
  unentered += change
}

/**
 * Calls `fn` outside of every HandlerFlow. So the tasks and callbacks that `fn` starts do not belong to the calling
 * handler.
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
 * Returns the HandlerFlow that the calling code belongs to, even if the code is a late callback and the handler has
 * ended. Returns null for other code.
 */
export function currentFlow(): HandlerFlow | null {
  if (running !== null) return running.flow
  const stored = storage.getStore()
  if (stored != null) return stored
  return unentered === 0 ? null : (currentIncarnation()?.handlers.unenteredFlow ?? null)
}

/** Returns the incarnation that the calling code belongs to, in a handler or elsewhere. Returns null for other code. */
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
 * Returns the HandlerFlow that the calling code belongs to. Returns null when that handler has ended, and for other
 * code.
 */
export function activeFlow(): HandlerFlow | null {
  const flow = currentFlow()
  return flow === null || flow.ended ? null : flow
}
