import { type Task, taskGroup } from '@tasktree/core'
import { abortError, cancelOnAbort } from '@tasktree/core/lowlevel'
import { isOwnCancel } from './cancels.ts'
import { throwAsIs } from './throw-as-is.ts'

/**
 * Runs `body` in a new task and waits for the end of that task. For the caller this is as if it had called `body`
 * itself: a cancel of the caller reaches `body`, and the errors of `body` are thrown here. `begun` is called with the
 * new task, so that other code can cancel `body` without a cancel of the caller.
 *
 * The task is made in a new task group. Only tasks of a group are inside the cancel scopes of the code that opens the
 * group.
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
          // A cancelled task must end as cancelled. Otherwise debug mode would report that the task has swallowed a
          // cancel.
          if (isOwnCancel(error)) throw error
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

/** Runs `body`. An abort of `signal` cancels it. If `signal` is aborted already, `body` is not called. */
export function runWithSignal<T>(
  signal: AbortSignal | undefined,
  body: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return body()
  if (signal.aborted) return Promise.reject(abortError(signal))
  return runChild(body, (task) => cancelOnAbort(task, signal))
}
