import { Claim } from './claim.ts'
import type { Future } from './future.ts'

/** What a task that awaits `future` waits for: the name of another task, or what the future says of itself. */
export function describeWait(future: Future<unknown>): string {
  const task = future.ownExecution()?.task ?? null
  if (task !== null) return task.name
  return future instanceof Claim ? future.describeWait() : future.constructor.name
}
