import { RuntimeError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import type { EventLoop } from '../loop/loop.ts'
import { cancelAndWait } from '../tasks/cancel-and-wait.ts'
import type { Task } from '../tasks/task.ts'

/**
 * The tasks that `TaskGroup.start` has started in one group. `start` returns when its task calls `started`, and the
 * task continues. If the task fails before it calls `started`, `start` throws the failure to its caller, and the group
 * must ignore the failure.
 */
export class GroupStarts {
  readonly #loop: EventLoop
  /** The tasks that have not called `started` yet. */
  readonly #starting = new Set<Task>()

  constructor(loop: EventLoop) {
    this.#loop = loop
  }

  /**
   * Calls `createTask` to make a task that runs `fn`, and waits until the task calls `started`. Returns the value that
   * the task passed to `started`. If the code that waits here is cancelled, the task is cancelled too.
   *
   * @throws {RuntimeError} when the task returns without a call of `started`
   */
  async start<T>(
    createTask: (body: () => PromiseLike<void>) => Task<void>,
    fn: (started: (value?: T) => void) => PromiseLike<void>,
  ): Promise<T> {
    const ready = new Future<T>({ loop: this.#loop })
    const task: Task = createTask(() =>
      fn((value) => {
        if (ready.done()) throw new RuntimeError('started() was called before: call it once')
        this.#starting.delete(task)
        ready.setResult(value as T)
      }),
    )
    this.#starting.add(task)
    task.onDone(() => {
      if (ready.done()) return
      if (task.cancelled()) ready.cancel()
      else {
        ready.setException(
          task.exception() ?? new RuntimeError(`${task.name} ended without calling started()`),
        )
      }
    })
    try {
      return await ready
    } catch (error) {
      if (!task.done()) await cancelAndWait(task)
      throw error
    }
  }

  /**
   * Called by the group when `task` has ended. Returns true if `start` made this task and the task has not called
   * `started`: then `start` throws the failure of the task to its caller, and the group must ignore the failure.
   */
  takeFailureOf(task: Task): boolean {
    return this.#starting.delete(task)
  }
}
