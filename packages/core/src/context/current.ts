import { describe } from '../arguments.ts'
import { currentEnvironment, type Environment } from './async-context.ts'
import { RuntimeError } from '../errors/errors.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Frame } from '../tasks/frame.ts'
import type { Task } from '../tasks/task.ts'

/**
 * The task whose code is running; null in code outside of every task, and in callbacks of a loop. Source:
 * asyncio.current_task
 *
 * @example
 *     const task = createTask(async () => currentTask()?.name, { name: 'worker' })
 *     console.log(await task) // worker
 */
export function currentTask(): Task | null {
  return currentEnvironment()?.frame?.task ?? null
}

/**
 * The innermost frame of the running code; null outside of every frame. A frame is the object for one scope (`timeout`,
 * `taskGroup` and the like) or for one task. A loop has a frame too, for its callbacks, and for code that runs outside
 * of every task because it was passed to `detached`.
 */
export function currentFrame(): Frame | null {
  return currentEnvironment()?.frame ?? null
}

/**
 * The loop of the running task or callback.
 *
 * @throws {RuntimeError} when neither a task nor a callback of a loop is running
 *
 * @example
 *     const loop = getRunningLoop()
 *     const start = loop.time()
 *     await sleep(10)
 *     console.log(loop.time() - start >= 10) // true
 *
 * Source: asyncio.get_running_loop
 */
export function getRunningLoop(): EventLoop {
  const frame = currentFrame()
  if (frame === null) throw new RuntimeError('no running event loop: call this from a task')
  return frame.loop
}

let loopClass: (new () => EventLoop) | null = null
let defaultLoop: EventLoop | null = null

/**
 * When `loop.ts` is loaded, it calls this function with the class EventLoop. This file cannot import that class,
 * because `loop.ts` imports this file.
 */
export function installLoopClass(eventLoop: new () => EventLoop): void {
  loopClass = eventLoop
}

/** @throws {TypeError} when `loop` is not an EventLoop */
export function checkLoop(loop: unknown): asserts loop is EventLoop {
  if (loopClass !== null && loop instanceof loopClass) return
  throw new TypeError(`the loop must be an EventLoop, got ${describe(loop)}`)
}

/**
 * Returns the running loop. Outside of every loop, returns the default loop of the thread. The first call makes the
 * default loop. If the default loop was closed, the next call makes a new one.
 *
 * @example
 *     const loop = getEventLoop() // outside of a task it is the loop of the thread
 *     loop.callLater(5, () => console.log('later')) // later
 *     await sleep(20)
 *
 * Source: asyncio.get_event_loop
 */
export function getEventLoop(): EventLoop {
  return loopOf(currentEnvironment())
}

/**
 * Returns the loop for new work of the running code. `environment` names the loop of that code; undefined means that
 * the code runs outside of every loop. In that case, or if the loop in `environment` is closed, returns the default
 * loop of the thread.
 */
export function loopOf(environment: Environment | undefined): EventLoop {
  if (environment !== undefined && !environment.loop.isClosed()) return environment.loop
  if (defaultLoop === null || defaultLoop.isClosed()) {
    defaultLoop = new (loopClass as new () => EventLoop)()
  }
  return defaultLoop
}
