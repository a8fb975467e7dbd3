import { errorText } from '../errors/error-text.ts'
import type { Future } from './future.ts'

/**
 * Returns a name for `future`: the name of the task if `future` is a task, the text of `describeWait()` if the class of
 * `future` has this method, as a Claim has (the future of a lock, a queue or the like), and otherwise the name of the
 * class. Messages and the task tree show this name for a task that awaits `future`.
 */
export function describeWait(future: Future<unknown>): string {
  const task = future.ownExecution()?.task ?? null
  if (task !== null) return task.name
  try {
    return future.describeWait()
  } catch (error) {
    return `a future that cannot be described: ${errorText(error)}`
  }
}
