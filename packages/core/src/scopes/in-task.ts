import { currentTask } from '../context/current.ts'
import { createTask, type Task } from '../tasks/task.ts'

/** Runs `fn` in the current task, or in one of its own where there is none. */
export function inTask<T>(fn: (task: Task) => Promise<T>): Promise<T> {
  const task = currentTask()
  return task === null ? inOwnTask(fn) : fn(task)
}

/** For plain code: runs `fn` in a task made for it. */
export async function inOwnTask<T>(fn: (task: Task) => Promise<T>): Promise<T> {
  return createTask(() => fn(currentTask() as Task))
}
