import { liveLoops } from '../loop/live-loops.ts'
import type { Task } from '../tasks/task.ts'

/**
 * Returns the number by which tools refer to a task. The tasks of a thread are numbered in the order in which they
 * were made.
 */
export function idOf(task: Task): number {
  return task.ownExecution().id
}

/**
 * Returns the live task with this id, or else the live task with this name if there is only one. Null if no task
 * matches.
 */
export function findTask(idOrName: number | string): Task | null {
  let named: Task | null = null
  let count = 0
  let found: Task | null = null
  for (const loop of liveLoops()) {
    loop.eachTask((task) => {
      if (idOf(task) === idOrName) found = task
      if (task.name !== idOrName) return
      named = task
      count++
    })
  }
  return found ?? (count === 1 ? named : null)
}
