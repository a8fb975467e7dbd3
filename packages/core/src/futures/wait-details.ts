import { errorText } from '../errors/error-text.ts'
import type { Future } from './future.ts'
import { describeWait } from './describe-wait.ts'

/**
 * A description of the thing that a task waits for. `snapshot()` shows it, and `why()` makes a sentence of it.
 */
export interface WaitDetails {
  /** The kind of the thing that the task waits for, in one word, such as 'lock', 'queue' or 'socket'. */
  kind: string
  /** The name of the thing that the task waits for, in a few words, such as "lock 'db'". */
  label: string
  /** More about the thing that the task waits for, in a few words, such as "held by task 'migrate' for 41 s". */
  note?: string | undefined
  /**
   * A phrase that `why()` uses for the waiting task in place of "waits for", the label and the note, such as "sleeps for
   * another 19 s".
   */
  text?: string | undefined
  /**
   * The future or task that must end, or must release a lock, before the waiting task can continue; undefined or null
   * if unknown.
   */
  next?: Future<unknown> | null | undefined
  /**
   * The futures or tasks that must all end before the waiting task gets a result, such as the children of a `gather`.
   */
  parts?: Iterable<Future<unknown>> | undefined
}

/**
 * The key of the method `[waitDetails](): WaitDetails`, by which a future describes itself for a task that awaits it.
 * The method may be called at any moment, in the middle of other code. So it must change nothing, and must not throw.
 */
export const waitDetails: unique symbol = Symbol.for('@tasktree/core.waitDetails') as never

interface Detailed {
  readonly [waitDetails]?: () => WaitDetails
}

/**
 * Describes `future` for a task that awaits it: by the name of the task if `future` is a task, by the result of the
 * method `[waitDetails]` of `future` if there is one, and otherwise by `describeWait`.
 */
export function detailsOf(future: Future<unknown>): WaitDetails {
  const task = future.ownExecution()?.task ?? null
  if (task !== null) return { kind: 'task', label: `task '${task.name}'`, next: task }
  try {
    const own = (future as Detailed)[waitDetails]?.()
    if (own !== undefined) return own
    const name = describeWait(future)
    return name === 'Future' ? unnamed : { kind: kindOf(future), label: name }
  } catch (error) {
    return { kind: 'future', label: `a future that cannot be described: ${errorText(error)}` }
  }
}

/**
 * The details of a wait for a promise that is not a future. Tasktree cannot find out which work such a promise stands
 * for, or when it ends.
 */
export const foreignPromise: WaitDetails = {
  kind: 'foreign',
  label: 'a promise that Tasktree does not know',
}

const unnamed: WaitDetails = { kind: 'future', label: 'a future' }

function kindOf(future: Future<unknown>): string {
  return future.constructor.name.toLowerCase()
}
