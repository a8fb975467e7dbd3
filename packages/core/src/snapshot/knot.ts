import type { Task } from '../tasks/task.ts'
import { tasksAwaitedBy } from './snapshot.ts'
import { why } from './why.ts'

/** How many tasks are explained. */
const shown = 10

/** For a DeadlockError: `why` of each of `tasks`, and of each task that they wait for, a line each. */
export function explainKnot(tasks: readonly Task[]): string {
  const knot = new Set(tasks.slice(0, shown + 1))
  // The set grows while it is read.
  for (const task of knot) {
    if (knot.size > shown) break
    for (const awaited of tasksAwaitedBy(task)) knot.add(awaited)
  }
  const lines = [...knot].slice(0, shown).map((task) => `  ${why(task)}`)
  if (knot.size > shown) lines.push('  …')
  return `why:\n${lines.join('\n')}`
}
