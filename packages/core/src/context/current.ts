import { describe } from '../arguments.ts'
import { runningScope, type Scope } from './async-context.ts'
import { RuntimeError } from '../errors/errors.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Frame } from '../tasks/frame.ts'
import type { Task } from '../tasks/task.ts'

/** The task whose code is running, or null in plain code and in loop callbacks. Source: asyncio.current_task */
export function currentTask(): Task | null {
  return runningScope()?.frame?.task ?? null
}

/**
 * The innermost frame of the running code; null in plain code. A scope (`timeout`, `taskGroup` and the like) opens one,
 * a task has an outermost one, and so has each loop, for its callbacks and for `detached` code.
 */
export function currentFrame(): Frame | null {
  return runningScope()?.frame ?? null
}

/**
 * The loop of the running task or callback.
 *
 * @throws {RuntimeError} outside of them
 *
 * Source: asyncio.get_running_loop
 */
export function getRunningLoop(): EventLoop {
  const scope = runningScope()
  if (scope === undefined) throw new RuntimeError('no running event loop: call this from a task')
  return scope.scopeLoop
}

let loopClass: (new () => EventLoop) | null = null
let defaultLoop: EventLoop | null = null

/** The loop module says what a loop is: futures need a default loop, and loops need futures. */
export function installLoopClass(eventLoop: new () => EventLoop): void {
  loopClass = eventLoop
}

/** @throws {TypeError} when `loop` is no EventLoop */
export function checkLoop(loop: unknown): asserts loop is EventLoop {
  if (loopClass !== null && loop instanceof loopClass) return
  throw new TypeError(`the loop must be an EventLoop, got ${describe(loop)}`)
}

/**
 * The running loop, else the process's default loop, which serves plain code; it is made on first use,
 * and anew when it was closed.
 *
 * Source: asyncio.get_event_loop
 */
export function getEventLoop(): EventLoop {
  return loopOf(runningScope())
}

/** The loop that new work of this scope belongs to. */
export function loopOf(scope: Scope | undefined): EventLoop {
  if (scope !== undefined && !scope.scopeLoop.isClosed()) return scope.scopeLoop
  if (defaultLoop === null || defaultLoop.isClosed()) {
    defaultLoop = new (loopClass as new () => EventLoop)()
  }
  return defaultLoop
}
