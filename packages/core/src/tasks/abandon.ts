import { describe } from '../arguments.ts'
import { Task } from './task.ts'

/**
 * Ends `task` as cancelled at once, without waiting for its code. This is meant for supervisors that kill a task. From
 * then on, each wait of that code for a future throws a CancelledError. Does nothing when the task is done.
 *
 * @throws {TypeError} when `task` is not a Task
 */
export function abandon(task: Task): void {
  if (!(task instanceof Task)) throw new TypeError(`abandon takes a task, got ${describe(task)}`)
  task.ownExecution().abandon()
}
