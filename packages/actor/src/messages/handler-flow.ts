import { AsyncLocalStorage } from 'node:async_hooks'
import { currentTask, type Task } from '@tasktree/core'
import type { ActorIncarnation } from '../actors/actor-incarnation.ts'
import type { Envelope } from './envelope.ts'
import { messageTracing } from './tracing.ts'
import type { ReplyPort } from './reply-ports.ts'

/**
 * The problem: an actor may run several handlers at once (interleaved messages, reentrant asks), and a handler may
 * leave callbacks behind. `ctx.reply()`, `ctx.stash()` and an ask must act for the message of the code that calls
 * them, and not for whichever message the actor is busy with at that moment.
 *
 * The idea: each run of a handler has a HandlerFlow. An AsyncLocalStorage carries it through every await and callback.
 * While a handler has not returned yet, a variable says the same without the cost of entering the storage.
 */
export class HandlerFlow {
  readonly incarnation: ActorIncarnation
  readonly envelope: Envelope
  /** The task whose waits are this handler's. */
  readonly task: Task
  /** When the handler was called, in milliseconds of `performance.now()`. */
  readonly since: number
  /** The promise that the handler has returned. */
  promise: PromiseLike<unknown> | null = null
  /** Taken by `ctx.reply()`: what the handler returns is not the answer. */
  port: ReplyPort | null = null
  /** Put aside by `ctx.stash()`: the message will be handled again. */
  stashed = false
  ended = false
  /** Whether the handler has returned a promise, and so has not finished in its call. */
  hasWaited = false
  /** How many asks of this handler have no answer yet. */
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

/** Maps the own task of each incarnation to the incarnation. */
const incarnations = new WeakMap<Task, ActorIncarnation>()

/** A handler that was called without entering the storage, and waits for the first time, is found by its actor's task. */
export function setTaskOf(incarnation: ActorIncarnation, task: Task): void {
  incarnations.set(task, incarnation)
}

/** Calls `handler` as the code of `flow`, with all that it begins. */
export function runInFlow<T>(flow: HandlerFlow, handler: () => T): T {
  const outer = running
  running = flow
  try {
    return storage.run(flow, handler)
  } finally {
    running = outer
  }
}

/** Makes `flow` the running one without entering the storage. The caller makes the returned flow running again. */
export function switchRunningFlow(flow: HandlerFlow | null): HandlerFlow | null {
  const outer = running
  running = flow
  return outer
}

/** How many handlers wait that were called without entering the storage. Without any, nobody has to look for them. */
let unentered = 0

/** `flow` waits although it was called without entering the storage, or has ended. */
export function countUnentered(change: 1 | -1): void {
  unentered += change
}

/** Calls `fn` as code of no handler, so that what it starts does not count as part of the caller's handler. */
export function runOutsideOfFlows<T>(fn: () => T): T {
  const outer = running
  running = null
  try {
    return storage.getStore() == null ? fn() : storage.run(null, fn)
  } finally {
    running = outer
  }
}

/** The handler whose code is running, also when it has ended and only a callback of it is left; null for other code. */
export function currentFlow(): HandlerFlow | null {
  if (running !== null) return running
  const stored = storage.getStore()
  if (stored != null) return stored
  return unentered === 0 ? null : (currentIncarnation()?.handlers.unenteredFlow ?? null)
}

/** The actor whose code is running, whatever it does; null for other code. */
export function currentIncarnation(): ActorIncarnation | null {
  const flow = running ?? storage.getStore()
  if (flow != null) return flow.incarnation
  for (let task = currentTask(); task !== null; task = task.parent) {
    const incarnation = incarnations.get(task)
    if (incarnation !== undefined) return incarnation
  }
  return null
}

/** The handler whose code is running, while it has not ended. */
export function activeFlow(): HandlerFlow | null {
  const flow = currentFlow()
  return flow === null || flow.ended ? null : flow
}
