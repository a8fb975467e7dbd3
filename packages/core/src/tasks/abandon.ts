import { describe } from '../arguments.ts'
import { Task } from './task.ts'

/**
 * Ends `task` at once, without waiting for its code: as cancelled, or with the outcome of its body if the body has
 * ended already. This is meant for supervisors that kill a task. Each wait for a future that the code begins after that
 * throws a CancelledError. Does nothing when the task is done.
 *
 * @throws {TypeError} when `task` is not a Task
 */
export function abandon(task: Task): void {
  if (!(task instanceof Task)) throw new TypeError(`abandon takes a task, got ${describe(task)}`)
  task.ownExecution().abandon()
}
