import type { EventLoop } from '../loop/loop.ts'
import type { Task } from '../tasks/task.ts'
import { formatTaskTree } from '../tasks/format-task-tree.ts'
import { tasksAwaitedBy } from './snapshot.ts'
import { why } from './why.ts'

/** The message of a DeadlockError explains at most this many tasks. */
const shown = 10

/**
 * Returns the message of the DeadlockError for `tasks`, which nothing can wake; `what` says in words what they are. The
 * message has the tree of the tasks of `loop`. Then it has one line for each task in `tasks`, and for each task that one
 * of these waits for, directly or through other tasks. Each line is the sentence that `why` returns for the task.
 */
export function explainDeadlock(what: string, tasks: readonly Task[], loop: EventLoop): string {
  return `nothing is left that could wake ${what}:\n${formatTaskTree({ loop })}\nwhy:\n${reasonsOf(tasks)}`
}

function reasonsOf(tasks: readonly Task[]): string {
  const explained = new Set(tasks.slice(0, shown + 1))
  // This loop adds tasks to `explained` while it iterates over `explained`, so it also visits the added tasks.
  for (const task of explained) {
    if (explained.size > shown) break
    for (const awaited of tasksAwaitedBy(task)) explained.add(awaited)
  }
  const lines = [...explained].slice(0, shown).map((task) => `  ${why(task)}`)
  if (explained.size > shown) lines.push('  …')
  return lines.join('\n')
}
