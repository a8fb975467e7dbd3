import { CancelledError, isCancelled, type Task, taskGroup } from '@tasktree/core'
import { abortError, cancelOnAbort } from '@tasktree/core/lowlevel'
import { throwAsIs } from './throw-as-is.ts'

type Outcome<T> = { value: T } | { error: unknown }

/**
 * Runs `body` in a task of its own and waits for the end of that task, as if the caller had called `body` itself: a
 * cancel of the caller reaches it, and what it throws is thrown here. `begun` is given the task, by which others can
 * cancel the body alone.
 *
 * The task belongs to a group of its own, because only the tasks of a group are inside the caller's cancel scopes.
 */
export async function runChild<T>(
  body: () => PromiseLike<T>,
  begun: (task: Task) => unknown,
): Promise<T> {
  let outcome: Outcome<T> | null = null
  let task: Task | null = null
  try {
    await taskGroup(async (group) => {
      task = group.createTask(async () => {
        try {
          outcome = { value: await body() }
        } catch (error) {
          outcome = { error }
          // The task ends as cancelled: debug mode would report a cancel that was swallowed.
          if (isCancelled(error)) throw error
        }
      })
      begun(task)
    })
  } catch (cancel) {
    return unwrap(outcome ?? { error: cancel })
  }
  return unwrap(outcome ?? { error: cancelOf(task as Task | null) })
}

/** Runs `body`; an abort of `signal` cancels it. */
export function runWithSignal<T>(
  signal: AbortSignal | undefined,
  body: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return body()
  if (signal.aborted) return Promise.reject(abortError(signal))
  return runChild(body, (task) => cancelOnAbort(task, signal))
}

function unwrap<T>(outcome: Outcome<T>): T {
  return 'value' in outcome ? outcome.value : throwAsIs(outcome.error)
}

/** The error of a task that was cancelled before it began. */
function cancelOf(task: Task | null): unknown {
  try {
    task?.result()
  } catch (error) {
    return error
  }
  return new CancelledError()
}
