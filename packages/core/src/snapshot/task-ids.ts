import { liveLoops } from '../loop/live-loops.ts'
import type { Task } from '../tasks/task.ts'

/**
 * Returns the id of `task`: a number by which tools refer to the task. The tasks of a thread are numbered in the order
 * in which they were created.
 */
export function idOf(task: Task): number {
  return task.ownExecution().id
}

/**
 * Returns the task with this id. If no task has this id, returns the task with this name, but only if exactly one task
 * has the name. Otherwise returns null. Tasks that are done are not found.
 */
export function findTask(idOrName: number | string): Task | null {
  let named: Task | null = null
  let count = 0
  let found: Task | null = null
  for (const loop of liveLoops()) {
    loop.tasks.each((task) => {
      if (idOf(task) === idOrName) found = task
      if (task.name !== idOrName) return
      named = task
      count++
    })
  }
  return found ?? (count === 1 ? named : null)
}
