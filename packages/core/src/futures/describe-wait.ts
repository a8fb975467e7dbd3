import { Claim } from './claim.ts'
import type { Future } from './future.ts'

/**
 * Names what a task waits for when it awaits `future`: the name of the task if `future` is one, the text of
 * `Claim.describeWait`, or the name of the future's class. Messages and the task tree show it.
 */
export function describeWait(future: Future<unknown>): string {
  const task = future.ownExecution()?.task ?? null
  if (task !== null) return task.name
  return future instanceof Claim ? future.describeWait() : future.constructor.name
}
