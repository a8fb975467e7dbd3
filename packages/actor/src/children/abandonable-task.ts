import {
  coroutine,
  type CoroutineFunction,
  createTask,
  type EventLoop,
  type Task,
} from '@tasktree/core'
import { abandoned, AbandonableWait } from './abandonable-wait.ts'

/** A task that can be given up when what it awaits cannot be cancelled: then it ends, and that goes on alone. */
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

  /** What was awaited, or null when nothing is. */
  abandon(): PromiseLike<unknown> | null {
    if (this.task.done()) return null
    this.task.cancel('killed')
    return this.#wait.abandon()
  }

  /** Its exception, which counts as seen; null when it returned or was given up. */
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
