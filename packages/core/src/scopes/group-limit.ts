import { DetailedFuture } from '../futures/detailed-future.ts'
import { LinkedList, type Linked } from '../linked-list.ts'
import type { EventLoop } from '../loop/loop.ts'
import { type Coroutine, type CoroutineFunction, runInline } from '../tasks/coroutine.ts'
import { checkTaskBody, passedBodies } from '../tasks/task.ts'

/**
 * The future on which a task of a group waits until fewer tasks than the limit of the group run. Then the future gets a
 * result, and the task may begin its code.
 */
class Wait extends DetailedFuture<void> implements Linked<Wait> {
  /** @internal The task tree shows the name of the class. Users know no class `Wait`, so they see a plain Future. */
  static override readonly name: string = 'Future'

  list: LinkedList<Wait> | null = null
  nextInList: Wait | null = null
  previousInList: Wait | null = null
}

/**
 * Lets at most `limit` tasks of a task group run at the same time. There are `limit` places, and each running task
 * holds one. Each further task is created at once, but its code begins only when the task gets a place. Waiting tasks
 * get places in the order in which they began to wait. Usually this is the order in which they were created, but an
 * eager task begins to wait at once.
 */
export class GroupLimit {
  readonly #limit: number
  readonly #loop: EventLoop
  /** The number of tasks that hold one of the `limit` places. The code of such a task runs, or is about to begin. */
  #taken = 0
  /** The tasks that wait for one of the `limit` places, in the order in which they began to wait. */
  readonly #line = new LinkedList<Wait>()

  constructor(limit: number, loop: EventLoop) {
    this.#limit = limit
    this.#loop = loop
  }

  /**
   * Returns the body for a task of the group. The body runs `coro`, the code of the task, as soon as fewer than `limit`
   * tasks of the group run. If the task is cancelled before that, `coro` never runs.
   *
   * @throws {TypeError} when `coro` is neither a function nor a Coroutine
   */
  bodyFor<T>(coro: CoroutineFunction<[], T> | Coroutine<T>): () => Promise<T> {
    checkTaskBody(coro)
    const body = (): Promise<T> => this.#run(coro)
    passedBodies.set(body, coro)
    return body
  }

  async #run<T>(coro: CoroutineFunction<[], T> | Coroutine<T>): Promise<T> {
    if (this.#taken >= this.#limit) {
      const place = new Wait(
        () => ({ kind: 'group', label: `one of the ${this.#limit} places of its group` }),
        { loop: this.#loop },
      )
      this.#line.push(place)
      try {
        await place
      } catch (error) {
        this.#line.remove(place)
        // `place` may have got its result just before the task was cancelled. The task cannot use it any more, so the
        // next waiting task may begin.
        if (!place.cancelled()) this.#passPlaceOn()
        throw error
      }
    } else this.#taken++
    try {
      return await runInline<T>(coro)
    } finally {
      this.#passPlaceOn()
    }
  }

  /**
   * Called when a task of the group has ended: lets the next waiting task begin. If no task waits, one more of the
   * `limit` places is free.
   */
  #passPlaceOn(): void {
    for (let place = this.#line.shift(); place !== null; place = this.#line.shift()) {
      if (place.done()) continue
      place.setResult()
      return
    }
    this.#taken--
  }
}
