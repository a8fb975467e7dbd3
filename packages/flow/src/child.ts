import { isCancelled, type Task, taskGroup } from '@tasktree/core'
import { abortError, cancelOnAbort } from '@tasktree/core/lowlevel'
import { throwAsIs } from './throw-as-is.ts'

/**
 * Runs `body` in a task of its own and waits for the end of that task, as if the caller had called `body` itself: a
 * cancel of the caller reaches it, and its errors are thrown here. `begun` is given the task, by which others can
 * cancel the body alone.
 *
 * The task belongs to a group of its own, because only the tasks of a group are inside the caller's cancel scopes.
 */
export async function runChild<T>(
  body: () => PromiseLike<T>,
  begun: (task: Task) => unknown,
): Promise<T> {
  const ended: { task?: Task; value?: T; failure?: { error: unknown } } = {}
  try {
    await taskGroup(async (group) => {
      ended.task = group.createTask(async () => {
        try {
          ended.value = await body()
        } catch (error) {
          // A task that was cancelled must end as cancelled: debug mode would report a cancel that was swallowed.
          if (isCancelled(error)) throw error
          ended.failure = { error }
        }
      })
      begun(ended.task)
    })
  } catch (cancel) {
    if (ended.failure === undefined) throw cancel
  }
  if (ended.failure !== undefined) throwAsIs(ended.failure.error)
  ended.task?.result()
  return ended.value as T
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
