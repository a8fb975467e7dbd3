import {
  coroutine,
  type CoroutineFunction,
  createTask,
  type EventLoop,
  type Task,
} from '@tasktree/core'
import { abandon } from '@tasktree/core/lowlevel'
import { abandoned, AbandonableWait } from './abandonable-wait.ts'

/** A task that can be given up when what it awaits cannot be cancelled. Then the task ends, and the awaited work goes on without it. */
export class AbandonableTask<T> {
  readonly task: Task<T>
  readonly #wait = new AbandonableWait()

  constructor(name: string, loop: EventLoop, body: CoroutineFunction<[], T>) {
    const incarnation = coroutine(body)
    this.task = createTask(
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

  /** Gives up what is awaited, and returns it; null when nothing is. The task ends, whatever other flows it has. */
  abandon(): PromiseLike<unknown> | null {
    const { task } = this
    if (task.done()) return null
    task.cancel('killed')
    const promise = this.#wait.abandon()
    // The body itself ends first, and gives the task its outcome, unless other flows of the task keep that back.
    const loop = task.getLoop()
    loop.callSoon(() => {
      loop.callSoon(() => abandon(task))
    })
    return promise
  }

  /** The exception of the task, which counts as retrieved from then on; null when it returned or was given up. */
  failure(): { readonly error: unknown } | null {
    if (this.task.cancelled()) return null
    try {
      this.task.result()
      return null
    } catch (error) {
      return error === abandoned ? null : { error }
    }
  }
}
