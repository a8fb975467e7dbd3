import { DetailedFuture } from '../futures/detailed-future.ts'
import type { Future } from '../futures/future.ts'
import type { EventLoop } from '../loop/loop.ts'
import { Coroutine, type CoroutineFunction, runInline } from '../tasks/coroutine.ts'

/**
 * The places of a task group with a limit. At most `limit` tasks of the group run at the same time. Each further task
 * is made at once, and then waits in line for a place before its code begins.
 */
export class GroupLimit {
  readonly #limit: number
  readonly #loop: EventLoop
  /** The number of tasks that have a place: their code has begun and has not ended, or may begin now. */
  #taken = 0
  /** The tasks in line, the first in line first. Each waits for its future. */
  readonly #line: Future<void>[] = []

  constructor(limit: number, loop: EventLoop) {
    this.#limit = limit
    this.#loop = loop
  }

  /**
   * Runs `coro` as soon as fewer than `limit` tasks of the group run. If the task is cancelled before that, it leaves
   * the line and `coro` never runs.
   */
  async run<T>(coro: CoroutineFunction<[], T> | Coroutine<T>): Promise<T> {
    if (this.#taken >= this.#limit) {
      const place = new DetailedFuture<void>(
        () => ({ kind: 'group', label: `one of the ${this.#limit} places of its group` }),
        { loop: this.#loop },
      )
      this.#line.push(place)
      try {
        await place
      } catch (error) {
        if (coro instanceof Coroutine) coro.close()
        // The task was given a place, and was cancelled before the task could use the place. So the next task in line
        // gets the place.
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

  /** Gives the place of a task that has ended to the next task in line, or takes the place back if there is none. */
  #passPlaceOn(): void {
    for (let place = this.#line.shift(); place !== undefined; place = this.#line.shift()) {
      if (place.done()) continue
      place.setResult()
      return
    }
    this.#taken--
  }
}
