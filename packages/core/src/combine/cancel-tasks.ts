import { describe, isIterable } from '../arguments.ts'
import { currentFrame } from '../context/current.ts'
import { untilEnded } from '../tasks/cancel-and-wait.ts'
import { Task } from '../tasks/task.ts'
import { wait } from './wait.ts'

/**
 * Cancels the tasks and waits until all have ended. Code outside of every task may call `cancelTasks` too. If a task
 * ends with an error that is not a CancelledError, the error is passed to the exception handler of the task's loop. In
 * a cancelled scope, such as a `failAfter` whose time is over, every other wait throws at once, but `cancelTasks` still
 * waits until the tasks have ended.
 *
 * @throws {TypeError} when `tasks` is not an iterable of tasks
 *
 * @example
 *     const tasks = [createTask(() => sleepForever()), createTask(() => sleepForever())]
 *     await cancelTasks(tasks) // returns when their clean-up has ended
 *     console.log(tasks.every((task) => task.cancelled())) // true
 */
export function cancelTasks(tasks: Iterable<Task>): Promise<void> {
  if (!isIterable(tasks)) {
    throw new TypeError(`cancelTasks takes an iterable of tasks, got ${describe(tasks)}`)
  }
  const all = [...tasks]
  for (const task of all) {
    if (!(task instanceof Task))
      throw new TypeError(`cancelTasks takes tasks, got ${describe(task)}`)
  }
  return awaitCancelled(all.filter((task) => task.cancel()))
}

/**
 * Waits until the tasks in the list `cancelled` have ended; the caller must have cancelled them. If a task ends with an
 * error that is not a CancelledError, the error is passed to the exception handler of the task's loop.
 */
export async function awaitCancelled(cancelled: readonly Task[]): Promise<void> {
  if (cancelled.length === 0) return
  await untilAllEnded(cancelled)
  for (const task of cancelled) {
    if (task.cancelled()) continue
    const exception = task.exception()
    if (exception === null) continue
    task.getLoop().callExceptionHandler({
      message: `Unhandled exception while ${task.name} was being cancelled`,
      exception,
      task,
    })
  }
}

/**
 * Waits until all tasks have ended. If the waiting task, or a `timeout` around the waiting code, is cancelled, a
 * CancelledError is thrown at once. If a `cancelScope`, or a similar scope such as `failAfter`, around the waiting code
 * is cancelled, the CancelledError is thrown only when all tasks have ended.
 */
export async function untilAllEnded(tasks: readonly Task[]): Promise<void> {
  try {
    await wait(tasks)
  } catch (error) {
    if (currentFrame()?.isLevelCancelled() === true) {
      for (const task of tasks) await untilEnded(task)
    }
    throw error
  }
}
