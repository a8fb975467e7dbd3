import { Claim } from './claim.ts'
import type { Future } from './future.ts'

/**
 * Returns a name for `future`: the name of the task if `future` is a task, the text of `describeWait()` if `future` is
 * a Claim (the future of a lock, a queue or the like), and otherwise the name of the class of `future`. Messages and
 * the task tree show this name for a task that awaits `future`.
 */
export function describeWait(future: Future<unknown>): string {
  const task = future.ownExecution()?.task ?? null
  if (task !== null) return task.name
  return future instanceof Claim ? future.describeWait() : future.constructor.name
}
