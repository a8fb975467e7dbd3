import { liveLoops } from '../loop/live-loops.ts'
import type { Task } from '../tasks/task.ts'

/** The number by which tools refer to a task: its place in the order in which the tasks of the thread were made. */
export function idOf(task: Task): number {
  return task.ownExecution().id
}

/** The live task that has this id, or else the only one of this name; null when there is none. */
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
