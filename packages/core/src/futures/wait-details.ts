import type { Future } from './future.ts'
import { describeWait } from './describe-wait.ts'

/** What a wait is for, in parts: `snapshot()` lists them, and `why()` makes a sentence of them. */
export interface WaitDetails {
  /** One word: 'lock', 'queue', 'socket'. */
  kind: string
  /** What is waited for, in a few words, as in "lock 'db'". */
  label: string
  /** What is to be known of it, in a few words, as in "held by task 'migrate' for 41 s". */
  note?: string | undefined
  /** What the waiting task does, when that is not "waits for" and the label: "sleeps for another 19 s". */
  text?: string | undefined
  /** The future or task that must end first, if it is known: the holder of a lock. */
  next?: Future<unknown> | null | undefined
}

/**
 * The key of the method by which a class of futures tells what a wait for it is for: `[waitDetails](): WaitDetails`. The
 * method is called while other code may be in the middle of a statement, so it only reads, and it must not throw.
 */
export const waitDetails: unique symbol = Symbol.for('@tasktree/core.waitDetails') as never

interface Detailed {
  readonly [waitDetails]?: () => WaitDetails
}

/** What a task that waits for `future` waits for. */
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

/** The kernel sees neither what such a promise is for nor when it ends. */
export const foreignPromise: WaitDetails = {
  kind: 'foreign',
  label: 'a promise that Tasktree does not know',
}

const unnamed: WaitDetails = { kind: 'future', label: 'a future' }

function kindOf(future: Future<unknown>): string {
  return future.constructor.name.toLowerCase()
}
