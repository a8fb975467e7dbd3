import type { Execution } from '../tasks/execution.ts'
import type { Frame } from '../tasks/frame.ts'
import type { Task } from '../tasks/task.ts'

/**
 * The tasks of one loop that are not done.
 *
 * The list must hold each task strongly, because a task that waits may be in no other list. When a `run` ends, it must
 * find this task, to cancel it. The Executions (the objects that run the code of the tasks) hold the links of the list,
 * in the fields `next` and `previous`. So a task can be removed from any place in the list in constant time, and the
 * list allocates nothing for a task.
 */
export class LiveTasks {
  #newest: Execution | null = null
  #added = 0

  /**
   * Adds the task of `execution`. Returns the number of tasks that were added so far: it is the number in the default
   * name of the task, such as "Task-1".
   */
  add(execution: Execution): number {
    const second = this.#newest
    execution.next = second
    if (second !== null) second.previous = execution
    this.#newest = execution
    return ++this.#added
  }

  remove(execution: Execution): void {
    const { next, previous } = execution
    if (previous === null) this.#newest = next as Execution | null
    else previous.next = next
    if (next !== null) next.previous = previous
    execution.next = null
    execution.previous = null
  }

  /** Calls `visit` for each task, the newest first. */
  each(visit: (task: Task) => void): void {
    for (let each: Frame | null = this.#newest; each !== null; each = each.next) {
      visit(each.task as Task)
    }
  }

  /** Returns the tasks, the oldest first. */
  list(): Task[] {
    const tasks: Task[] = []
    this.each((task) => tasks.push(task))
    return tasks.toReversed()
  }
}
