import { AsyncLocalStorage } from 'node:async_hooks'
import { currentTask, type Task } from '@tasktree/core'
import type { ActorIncarnation } from '../actors/actor-incarnation.ts'
import type { Envelope } from './envelope.ts'
import { messageTracing } from './tracing.ts'
import type { ReplyPort } from './deferred-replies.ts'

/**
 * The problem: an actor may run several handlers at once (interleaved messages, reentrant asks), and a handler may
 * leave callbacks behind. `ctx.reply()`, `ctx.stash()` and an ask must act for the message of the code that calls them,
 * and not for whichever message the actor is busy with at that moment.
 *
 * The idea: each run of a handler has a HandlerFlow. An AsyncLocalStorage carries it through every await and callback.
 * Until a handler has returned, the variable `running` holds its flow too, which saves the cost of entering the
 * storage.
 */
export class HandlerFlow {
  readonly incarnation: ActorIncarnation
  readonly envelope: Envelope
  /** The task in which this handler waits. */
  readonly task: Task
  /** When the handler was called, in milliseconds of `performance.now()`. */
  readonly since: number
  /** The promise that the handler has returned; null before that. */
  promise: PromiseLike<unknown> | null = null
  /**
   * A promise that fulfils after `promise` has settled, and that no other code awaits. The check for circles passes it
   * to `bodyWaitsFor` of core. Null if `task` ends together with this handler or hook.
   */
  settled: Promise<unknown> | null = null
  /**
   * The ReplyPort that the handler took with `ctx.reply()`. With a port, the result of the handler is not the answer.
   */
  port: ReplyPort | null = null
  /** Whether the handler called `ctx.stash()`. Then the message will be handled again. */
  stashed = false
  ended = false
  /** Whether the handler has returned a promise. Otherwise it finishes within its call. */
  hasWaited = false
  /** The number of asks that this handler has sent and that were not answered yet. */
  pendingAsks = 0

  constructor(incarnation: ActorIncarnation, envelope: Envelope, task: Task, since: number) {
    this.incarnation = incarnation
    this.envelope = envelope
    this.task = task
    this.since = since
    envelope.flow = this
  }

  end(): void {
    this.ended = true
    if (messageTracing.isLive) messageTracing.settle(this, {})
    if (this.envelope.flow === this) this.envelope.flow = null
  }
}

const storage = new AsyncLocalStorage<HandlerFlow | null>()

/** The flow of a handler that was called and has not returned. */
let running: HandlerFlow | null = null

/** Maps the task of each incarnation to the incarnation. */
const incarnations = new WeakMap<Task, ActorIncarnation>()

/**
 * Records which task belongs to an incarnation. `currentIncarnation()` needs this for a handler that was called without
 * `storage.run`, the AsyncLocalStorage of this file.
 */
export function setTaskOf(incarnation: ActorIncarnation, task: Task): void {
  incarnations.set(task, incarnation)
}

/** Calls `handler` so that it, and all code that it starts, belongs to `flow`. */
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
 * Makes `flow` the running flow without entering the storage. Returns the previous flow, which the caller must restore.
 */
export function switchRunningFlow(flow: HandlerFlow | null): HandlerFlow | null {
  const outer = running
  running = flow
  return outer
}

/**
 * How many handlers were called without entering the storage and now wait. While it is 0, no search for them is needed.
 */
let unentered = 0

/** Adds `change` to the number of waiting handlers that were called without entering the storage. */
export function countUnentered(change: 1 | -1): void {
  unentered += change
}

/** Calls `fn` outside of all flows, so that what `fn` starts does not count as part of the calling handler. */
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
 * Returns the flow of the handler that the calling code belongs to, even if the handler has ended and the code is a
 * late callback. Null for other code.
 */
export function currentFlow(): HandlerFlow | null {
  if (running !== null) return running
  const stored = storage.getStore()
  if (stored != null) return stored
  return unentered === 0 ? null : (currentIncarnation()?.handlers.unenteredFlow ?? null)
}

/** Returns the incarnation that the calling code belongs to, in a handler or elsewhere. Null for other code. */
export function currentIncarnation(): ActorIncarnation | null {
  const flow = running ?? storage.getStore()
  if (flow != null) return flow.incarnation
  for (let task = currentTask(); task !== null; task = task.parent) {
    const incarnation = incarnations.get(task)
    if (incarnation !== undefined) return incarnation
  }
  return null
}

/**
 * Returns the flow of the handler that the calling code belongs to, or null when that handler has ended or there is
 * none.
 */
export function activeFlow(): HandlerFlow | null {
  const flow = currentFlow()
  return flow === null || flow.ended ? null : flow
}
