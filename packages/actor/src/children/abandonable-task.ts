import {
  CancelledError,
  coroutine,
  type CoroutineFunction,
  type EventLoop,
  isCancelled,
  type Task,
} from '@tasktree/core'
import { createServiceTask, abandon } from '@tasktree/core/lowlevel'
import { NoProc, UnexpectedCancellation } from '../errors.ts'
import { tame } from '../exit-reason.ts'
import { abandoned, AbandonableWait } from './abandonable-wait.ts'

/**
 * A task that the method `abandon` can end even if the promise it awaits cannot be cancelled. The code behind that
 * promise then runs on without the task.
 */
export class AbandonableTask<T> {
  readonly task: Task<T>
  readonly #wait = new AbandonableWait()
  #isAbandoned = false

  constructor(name: string, loop: EventLoop, body: CoroutineFunction<[], T>) {
    const incarnation = coroutine(body)
    this.task = createServiceTask(
      async () => {
        const settle = async (): Promise<T> => incarnation()
        try {
          return (await this.#wait.begin(settle())) as T
        } catch (error) {
          // An abandoned task ends as cancelled. Code that cancels all tasks, such as the end of a run, would report any
          // other error as a failure of the task.
          throw error === abandoned ? new CancelledError('killed') : error
        }
      },
      { name, loop },
    )
  }

  cancel(message?: string): void {
    this.task.cancel(message)
  }

  /**
   * Called by a kill, and before a resource is disposed. Ends the task without waiting for the promise that it awaits.
   * Returns that promise, because the code behind it still runs. Returns null when the task has ended already, or awaits
   * no promise.
   */
  abandon(): PromiseLike<unknown> | null {
    const { task } = this
    if (task.done()) return null
    this.#isAbandoned = true
    task.cancel('killed')
    const promise = this.#wait.abandon()
    // Other async functions of the task may keep the task running, so `abandon(task)` ends it. The call comes two turns
    // of the event loop later. In these turns, the body of the task should end and give the task its outcome.
    const loop = task.getLoop()
    loop.callSoon(() => {
      loop.callSoon(() => abandon(task))
    })
    return promise
  }

  /**
   * If the task, which has ended, has failed with an error, returns an object with the error and marks the error as
   * handled. If its body threw a CancelledError although no code had cancelled the task, the error is an
   * UnexpectedCancellation. Returns null when the task returned or was cancelled.
   */
  failure(): { readonly error: unknown } | null {
    const { task } = this
    if (task.cancelled()) {
      if (this.#isAbandoned || task.cancelling() > 0) return null
      return { error: new UnexpectedCancellation(this.cancellation()) }
    }
    try {
      task.result()
      return null
    } catch (error) {
      return { error: tame(error) }
    }
  }

  /** Returns the CancelledError with which the task has ended. */
  cancellation(): Error {
    try {
      this.task.exception()
    } catch (error) {
      if (isCancelled(error)) return error
    }
    return new NoProc(this.task.name)
  }
}
