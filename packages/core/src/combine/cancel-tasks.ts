import { describe, isIterable } from '../arguments.ts'
import { currentFrame } from '../context/current.ts'
import { untilEnded } from '../tasks/cancel-and-wait.ts'
import { Task } from '../tasks/task.ts'
import { wait } from './wait.ts'

/**
 * Cancels the tasks and waits until all have ended, from plain code or a task. What they threw other
 * than their cancel goes to their loop's exception handler. In a cancelled scope it waits all the same.
 *
 * @throws {TypeError} for anything but tasks
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

/** Waits until these tasks, which were cancelled, have ended, and reports what they threw. */
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

/** Waits until all have ended. A cancel ends this wait, except that of a scope: it is thrown when all have ended. */
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
