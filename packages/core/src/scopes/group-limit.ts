import { DetailedFuture } from '../futures/detailed-future.ts'
import { LinkedList, type Linked } from '../linked-list.ts'
import type { EventLoop } from '../loop/loop.ts'
import { Coroutine, type CoroutineFunction, runInline } from '../tasks/coroutine.ts'

/**
 * The future that a task of the group waits on until it gets a place. When the future has a result, the task has a
 * place.
 */
class Wait extends DetailedFuture<void> implements Linked<Wait> {
  /** @internal the task tree shows this name */
  static override readonly name: string = 'Future'

  list: LinkedList<Wait> | null = null
  nextInList: Wait | null = null
  previousInList: Wait | null = null
}

/**
 * Lets at most `limit` tasks of a task group run at the same time. The limit is a number of places, and a running task
 * holds one place. Each further task is created at once, but its code begins only when the task gets a place. Waiting
 * tasks get places in the order in which they were created.
 */
export class GroupLimit {
  readonly #limit: number
  readonly #loop: EventLoop
  /** The number of tasks that hold a place. The code of such a task runs, or is about to begin. */
  #taken = 0
  /** The waits for a place, in the order in which the tasks came. */
  readonly #line = new LinkedList<Wait>()

  constructor(limit: number, loop: EventLoop) {
    this.#limit = limit
    this.#loop = loop
  }

  /**
   * Runs `coro` as soon as fewer than `limit` tasks of the group run. If the task is cancelled before that, it stops
   * waiting and `coro` never runs.
   */
  async run<T>(coro: CoroutineFunction<[], T> | Coroutine<T>): Promise<T> {
    if (this.#taken >= this.#limit) {
      const place = new Wait(
        () => ({ kind: 'group', label: `one of the ${this.#limit} places of its group` }),
        { loop: this.#loop },
      )
      this.#line.push(place)
      try {
        await place
      } catch (error) {
        if (coro instanceof Coroutine) coro.close()
        this.#line.remove(place)
        // The task got a place, but was cancelled before it could use the place. So the next waiting task gets the
        // place.
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

  /** Gives the place of a task that has ended to the next waiting task. If no task waits, the place becomes free. */
  #passPlaceOn(): void {
    for (let place = this.#line.shift(); place !== null; place = this.#line.shift()) {
      if (place.done()) continue
      place.setResult()
      return
    }
    this.#taken--
  }
}
