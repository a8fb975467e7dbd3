import type { Future } from './future.ts'
import { describeWait } from './describe-wait.ts'

/** What a task waits for, in parts: `snapshot()` lists them, and `why()` makes a sentence of them. */
export interface WaitDetails {
  /** The kind of thing that the task waits for, in one word: 'lock', 'queue', 'socket'. */
  kind: string
  /** What the task waits for, in a few words, as in "lock 'db'". */
  label: string
  /** More about the thing that is waited for, in a few words, as in "held by task 'migrate' for 41 s". */
  note?: string | undefined
  /**
   * What the waiting task does, for the sentence of `why()`, if "waits for" and the label do not say it: "sleeps for
   * another 19 s".
   */
  text?: string | undefined
  /** The future or task that must end before this wait can end, if it is known; for a lock, the task that holds it. */
  next?: Future<unknown> | null | undefined
  /** The futures or tasks that must all end before this wait can end with a result, as those of a `gather`. */
  parts?: Iterable<Future<unknown>> | undefined
}

/**
 * The key of a method by which a class of futures describes what a task waits for: `[waitDetails](): WaitDetails`. The
 * method may be called while other code is in the middle of a statement. So it must only read, and must not throw.
 */
export const waitDetails: unique symbol = Symbol.for('@tasktree/core.waitDetails') as never

interface Detailed {
  readonly [waitDetails]?: () => WaitDetails
}

/**
 * Describes what a task waits for when it awaits `future`: the name of the task if `future` is one, what the
 * `[waitDetails]` method of the future returns, or the name of its class.
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
    return { kind: 'future', label: `a future that cannot be described: ${String(error)}` }
  }
}

/**
 * The details of a wait for a promise that is not a future. Tasktree cannot see what such a promise stands for, nor
 * when it ends.
 */
export const foreignPromise: WaitDetails = {
  kind: 'foreign',
  label: 'a promise that Tasktree does not know',
}

const unnamed: WaitDetails = { kind: 'future', label: 'a future' }

function kindOf(future: Future<unknown>): string {
  return future.constructor.name.toLowerCase()
}
