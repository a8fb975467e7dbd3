import { describe, isIterable } from '../arguments.ts'
import { cancelAll, untilAllEnded } from '../tasks/cancel-and-wait.ts'
import { Task } from '../tasks/task.ts'

/**
 * Cancels the tasks and waits until all have ended. Code outside of every task may call `cancelTasks` too. If a task
 * ends with an error that is not a CancelledError, the error is passed to the exception handler of the task's loop.
 *
 * A cancel of the waiting code does not end this wait: the CancelledError is thrown when the tasks have ended. (If one
 * of the tasks is the running task or waits for it, the CancelledError is thrown at once, because both would wait for
 * ever.) If the cancel is that of the waiting task or of a `timeout` around the call, the tasks are cancelled once
 * more, so that a long clean-up is cut. In a cancelled scope, such as a `failAfter` whose time is over, the clean-up
 * goes on. To wait for a limited time, cancel each task and call `wait(tasks, { timeout })`.
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
  const running = all.filter((task) => !task.done())
  return awaitCancelled(running, cancelAll(running))
}

/**
 * Waits until the tasks in the list `cancelled` have ended; the caller must have cancelled them. If a task ends with an
 * error that is not a CancelledError, the error is passed to the exception handler of the task's loop. `isCircle` says
 * whether one of the tasks is the running task or waits for it: the CancelledError is then thrown at once.
 */
export async function awaitCancelled(cancelled: readonly Task[], isCircle = false): Promise<void> {
  if (cancelled.length === 0) return
  try {
    await untilAllEnded(cancelled, isCircle)
  } finally {
    for (const task of cancelled) if (task.done()) reportFailure(task)
  }
}

function reportFailure(task: Task): void {
  if (task.cancelled()) return
  const exception = task.exception()
  if (exception === null) return
  task.getLoop().callExceptionHandler({
    message: `Unhandled exception while ${task.name} was being cancelled`,
    exception,
    task,
  })
}
