import type { TaskBody } from './execution.ts'
import { createTask, type Task, type TaskOptions } from './task.ts'

/**
 * Starts a task by which a package does its own work, such as the task of a request or of an actor. Works as
 * `createTask`, but if a tool is subscribed to the tracing channel `tasktree:task` now, its message about the task has
 * `isService: true`. Tools that trace the program's tasks leave such a task out, because the package publishes messages
 * of its own about this work, or because the program has no interest in it.
 */
export function createServiceTask<T>(coro: TaskBody<T>, options?: TaskOptions): Task<T> {
  return createTask(coro, { ...options, isService: true })
}
