import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { Context } from './context.ts'
import { RuntimeError } from './errors.ts'
import type { EventLoop } from './loop.ts'
import type { Task } from './task.ts'

/**
 * What running code belongs to: a task, or a callback of a loop. A Task is its own scope. One
 * AsyncLocalStorage carries it through every await, of native promises too.
 */
export interface Scope {
  /** @internal null in a loop callback */
  readonly scopeTask: Task | null
  /** @internal */
  readonly scopeLoop: EventLoop
  /** @internal the context variables that are seen here, made on first use */
  scopeContext(): Context
}

const storage = new AsyncLocalStorage<Scope>()
const manualDestroy = { requireManualDestroy: true }

export function currentScope(): Scope | undefined {
  return storage.getStore()
}

/**
 * Remembers the asynchronous context of the caller, other libraries' storages included, so that code
 * can be run in it later. Measured: this and `enterScope` cost a fifth of `storage.run`, which makes
 * two copies of the context where we need one.
 */
export function captureAsyncContext(): AsyncResource {
  return new AsyncResource('Tasktree', manualDestroy)
}

/** Remembers no more than `scope`, to run code outside of whoever calls. */
export function makeAsyncContext(scope: Scope): AsyncResource {
  return storage.run(scope, captureAsyncContext)
}

/** Only inside `resource.runInAsyncScope`, which puts the outer context back. */
export function enterScope(scope: Scope): void {
  storage.enterWith(scope)
}

export function runInScope<T>(scope: Scope, fn: () => T): T {
  return storage.run(scope, fn)
}

/** The task whose code is running, or null in plain code and in loop callbacks. Source: asyncio.current_task */
export function currentTask(): Task | null {
  return storage.getStore()?.scopeTask ?? null
}

/**
 * The loop of the running task or callback.
 *
 * @throws {RuntimeError} outside of them
 *
 * Source: asyncio.get_running_loop
 */
export function getRunningLoop(): EventLoop {
  const scope = storage.getStore()
  if (scope === undefined) throw new RuntimeError('no running event loop: call this from a task')
  return scope.scopeLoop
}

let makeLoop: (() => EventLoop) | null = null
let defaultLoop: EventLoop | null = null

/** The loop module says how a loop is made: futures need a default loop, and loops need futures. */
export function installLoopFactory(factory: () => EventLoop): void {
  makeLoop = factory
}

/**
 * The running loop, else the process's default loop, which serves plain code; it is made on first use,
 * and anew when it was closed.
 *
 * Source: asyncio.get_event_loop
 */
export function getEventLoop(): EventLoop {
  return loopOf(storage.getStore())
}

/** The loop that new work of this scope belongs to. */
export function loopOf(scope: Scope | undefined): EventLoop {
  if (scope !== undefined && !scope.scopeLoop.isClosed()) return scope.scopeLoop
  if (defaultLoop === null || defaultLoop.isClosed()) {
    defaultLoop = (makeLoop as () => EventLoop)()
  }
  return defaultLoop
}
