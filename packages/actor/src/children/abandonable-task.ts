import { coroutine, type CoroutineFunction, type EventLoop, type Task } from '@tasktree/core'
import { createServiceTask, abandon } from '@tasktree/core/lowlevel'
import { tame } from '../exit-reason.ts'
import { abandoned, AbandonableWait } from './abandonable-wait.ts'

/**
 * A task that a kill can end even if the promise it awaits cannot be cancelled. The code behind that promise then runs
 * on without the task.
 */
export class AbandonableTask<T> {
  readonly task: Task<T>
  readonly #wait = new AbandonableWait()

  constructor(name: string, loop: EventLoop, body: CoroutineFunction<[], T>) {
    const incarnation = coroutine(body)
    this.task = createServiceTask(
      async () => {
        const settle = async (): Promise<T> => incarnation()
        return (await this.#wait.begin(settle())) as T
      },
      { name, loop },
    )
  }

  cancel(message?: string): void {
    this.task.cancel(message)
  }

  /**
   * Ends the task without waiting for the promise that it awaits. Returns that promise, or null when the task awaits no
   * promise.
   */
  abandon(): PromiseLike<unknown> | null {
    const { task } = this
    if (task.done()) return null
    task.cancel('killed')
    const promise = this.#wait.abandon()
    // Other async functions of the task may keep the task running. `abandon(task)` then ends the task. It is called two
    // turns of the event loop later, because the body of the task should end before that and give the task its outcome.
    const loop = task.getLoop()
    loop.callSoon(() => {
      loop.callSoon(() => abandon(task))
    })
    return promise
  }

  /**
   * Returns the exception of the task and marks it as handled. Returns null when the task returned, was cancelled, or
   * was abandoned.
   */
  failure(): { readonly error: unknown } | null {
    if (this.task.cancelled()) return null
    try {
      this.task.result()
      return null
    } catch (error) {
      return error === abandoned ? null : { error: tame(error) }
    }
  }
}
