import { checkDelay } from '../arguments.ts'
import { Future } from '../futures/future.ts'
import { sleep } from './sleep.ts'

/**
 * Makes sleeps that another task can end early, by the key of the sleep. When a sleep is ended early, its `await`
 * returns normally. When the sleeping task is cancelled, the `await` throws a CancelledError as usual.
 *
 * @example
 *     const sleeper = new Sleeper<string>()
 *     const poll = createTask(async () => {
 *       await sleeper.sleep('poller', 60_000)
 *       return 'polls at once'
 *     })
 *     await sleep(1)
 *     sleeper.cancel('poller') // wakes it
 *     console.log(await poll) // polls at once
 *
 * Source: the Sleeper of the asyncio cookbook. Differs: if two sleeps have the same key, `cancel` ends both.
 */
export class Sleeper<K = unknown> {
  readonly #sleeps = new Map<K, Set<Future<void>>>()

  /**
   * Sleeps for `ms` milliseconds, or until `cancel(key)` or `cancelAll()` is called. Returns `result` in each case.
   *
   * @throws {TypeError} when `ms` is not a number, or NaN
   */
  sleep<R>(key: K, ms: number, result?: R): Promise<R | undefined> {
    checkDelay(ms)
    return this.#sleep(key, ms, result)
  }

  async #sleep<R>(key: K, ms: number, result: R | undefined): Promise<R | undefined> {
    const timer = sleep(ms)
    const woken = new Future<void>()
    const reaction = timer.onDone(() => {
      if (!woken.done()) woken.setResult()
    })
    const sleeps = this.#sleeps.get(key) ?? new Set()
    this.#sleeps.set(key, sleeps.add(woken))
    try {
      await woken
      return result
    } finally {
      timer.removeReaction(reaction)
      timer.cancel()
      sleeps.delete(woken)
      if (sleeps.size === 0 && this.#sleeps.get(key) === sleeps) this.#sleeps.delete(key)
    }
  }

  /**
   * Ends every sleep with the key `key` early: the `await` of the sleep returns normally. Returns false if no sleep has
   * this key.
   */
  cancel(key: K): boolean {
    const sleeps = this.#sleeps.get(key)
    if (sleeps === undefined) return false
    let ended = false
    this.#sleeps.delete(key)
    for (const woken of sleeps) {
      if (woken.done()) continue
      woken.setResult()
      ended = true
    }
    return ended
  }

  /**
   * Ends all sleeps early: the `await` of each sleep returns normally. Returns the number of sleeps that were ended.
   */
  cancelAll(): number {
    let ended = 0
    for (const sleeps of this.#sleeps.values()) {
      for (const woken of sleeps) {
        if (woken.done()) continue
        woken.setResult()
        ended++
      }
    }
    this.#sleeps.clear()
    return ended
  }

  /** Returns the keys of the sleeps that have not ended. */
  keys(): K[] {
    return [...this.#sleeps.keys()]
  }
}
