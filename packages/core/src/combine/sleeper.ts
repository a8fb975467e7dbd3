import { checkDelay } from '../arguments.ts'
import { Future } from '../futures/future.ts'
import { sleep } from './sleep.ts'

/**
 * Sleeps by key that another task can end early. A cancel of the sleeping task still throws.
 *
 * Source: the Sleeper of the asyncio cookbook. Differs: two sleeps under one key are both ended.
 */
export class Sleeper<K = unknown> {
  readonly #sleeps = new Map<K, Set<Future<void>>>()

  /**
   * Sleeps `ms` milliseconds, or until `cancel(key)`; gives `result` either way.
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

  /** Ends every sleep under `key` at once. False when there is none. */
  cancel(key: K): boolean {
    const sleeps = this.#sleeps.get(key)
    if (sleeps === undefined) return false
    let ended = false
    for (const woken of sleeps) {
      if (woken.done()) continue
      woken.setResult()
      ended = true
    }
    return ended
  }

  /** Ends all sleeps; returns how many there were. */
  cancelAll(): number {
    let ended = 0
    for (const sleeps of this.#sleeps.values()) {
      for (const woken of sleeps) {
        if (woken.done()) continue
        woken.setResult()
        ended++
      }
    }
    return ended
  }

  /** The keys that something sleeps under. */
  keys(): K[] {
    return [...this.#sleeps.keys()]
  }
}
