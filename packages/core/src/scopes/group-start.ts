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
  /**
   * The tasks whose failure `start` throws to its caller. A task is removed when it calls `started`, except if the
   * caller of `start` was cancelled before.
   */
  readonly #starting = new WeakSet<Task>()

  constructor(loop: EventLoop) {
    this.#loop = loop
  }

  /**
   * Calls `createTask` to make a task that runs `fn`, and waits until the task calls `started`. Returns the value that
   * the task passed to `started`. If the code that waits here is cancelled, the task is cancelled too. If the task
   * fails before it calls `started`, its failure is thrown, even if the code that waits here is cancelled.
   *
   * @throws {RuntimeError} when the task returns without a call of `started`
   */
  async start<T>(
    createTask: (body: () => PromiseLike<void>) => Task<void>,
    fn: (started: (value?: T) => void) => PromiseLike<void>,
  ): Promise<T> {
    const ready = new Future<T>({ loop: this.#loop })
    let wasCalled = false
    let isReady = false
    const task: Task = createTask(() =>
      fn((value) => {
        if (wasCalled) throw new RuntimeError('started() was called before: call it once')
        wasCalled = true
        // If the caller of `start` was cancelled, `start` has cancelled the task. The call then does nothing, as in
        // Trio, and `start` still throws the failure of the task.
        if (ready.done()) return
        isReady = true
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
      let thrown = error
      try {
        if (!task.done()) await cancelAndWait(task)
      } catch (cancel) {
        thrown = cancel
      }
      if (isReady) throw thrown
      // The task has not ended if it waits for the task that runs here, because each would then wait for the other for
      // ever. In this case the group gets a later failure of the task.
      if (!task.done()) this.#starting.delete(task)
      else if (!task.cancelled()) thrown = task.exception() ?? thrown
      throw thrown
    }
  }

  /**
   * Called by the group when `task` has ended. Returns true if `start` throws the failure of the task to its caller.
   * Then the group must ignore the failure.
   */
  takeFailureOf(task: Task): boolean {
    return this.#starting.delete(task)
  }
}
