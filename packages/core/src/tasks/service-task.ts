import type { TaskBody } from './execution.ts'
import { createTask, type Task, type TaskOptions } from './task.ts'

/**
 * Starts a task by which a package does its own work, such as the task of a request or of an actor. Works as
 * `createTask`. The message of such a task on `tasktree:task` has `isService: true`: tools that trace the program's
 * tasks leave it out, because the package publishes the work itself, or because it is of no interest to the program.
 */
export function createServiceTask<T>(coro: TaskBody<T>, options?: TaskOptions): Task<T> {
  return createTask(coro, { ...options, isService: true })
}
