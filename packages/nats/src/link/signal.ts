import { Future, getEventLoop } from '@tasktree/core'

/**
 * Wakes a loop that waits for work. Only one task may wait at a time. If `notify` is called while no task waits, the next
 * wait ends at once.
 */
export class Signal {
  #waiting: Future<void> | null = null
  #isNoticed = false

  notify(): void {
    this.#isNoticed = true
    if (this.#waiting?.done() === false) this.#waiting.setResult()
  }

  /** Waits for a call of `notify`, for at most `ms` milliseconds. */
  async wait(ms: number = Infinity): Promise<void> {
    if (!this.#isNoticed) {
      const waiting = new Future<void>()
      this.#waiting = waiting
      const timer = ms === Infinity ? null : getEventLoop().callLater(ms, () => this.notify())
      try {
        await waiting
      } finally {
        timer?.cancel()
        this.#waiting = null
      }
    }
    this.#isNoticed = false
  }
}
