import type { Task } from '../tasks/task.ts'
import { tasksAwaitedBy } from './snapshot.ts'
import { why } from './why.ts'

/** The text explains at most this many tasks. */
const shown = 10

/**
 * Returns the text for a DeadlockError. It has one line for each task in `tasks` and for each task that these wait for,
 * directly or through other tasks. Each line is the sentence that `why` returns.
 */
export function explainKnot(tasks: readonly Task[]): string {
  const knot = new Set(tasks.slice(0, shown + 1))
  // This loop adds tasks to `knot` while it iterates over `knot`, so it also visits the added tasks.
  for (const task of knot) {
    if (knot.size > shown) break
    for (const awaited of tasksAwaitedBy(task)) knot.add(awaited)
  }
  const lines = [...knot].slice(0, shown).map((task) => `  ${why(task)}`)
  if (knot.size > shown) lines.push('  …')
  return `why:\n${lines.join('\n')}`
}
