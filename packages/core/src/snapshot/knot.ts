import type { Task } from '../tasks/task.ts'
import { tasksAwaitedBy } from './snapshot.ts'
import { why } from './why.ts'

/** At most this many tasks are explained. */
const shown = 10

/**
 * Returns the text for a DeadlockError: one line for each of `tasks`, and for each task that they wait for, with the
 * sentence of `why`.
 */
export function explainKnot(tasks: readonly Task[]): string {
  const knot = new Set(tasks.slice(0, shown + 1))
  // `knot` grows during this loop, so the tasks that are added are visited too.
  for (const task of knot) {
    if (knot.size > shown) break
    for (const awaited of tasksAwaitedBy(task)) knot.add(awaited)
  }
  const lines = [...knot].slice(0, shown).map((task) => `  ${why(task)}`)
  if (knot.size > shown) lines.push('  …')
  return `why:\n${lines.join('\n')}`
}
