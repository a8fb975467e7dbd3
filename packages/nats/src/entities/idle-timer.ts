import { getEventLoop, type Handle } from '@tasktree/core'

/** Calls back when nothing was used for a time. One timer serves any number of uses, because each use only notes the time. */
export class IdleTimer {
  readonly #timeout: number
  readonly #onIdle: () => void
  #usedAt = 0
  #timer: Handle | null = null

  constructor(timeout: number, onIdle: () => void) {
    this.#timeout = timeout
    this.#onIdle = onIdle
  }

  /** Starts the idle time again, because the entity was used. */
  used(): void {
    this.#usedAt = getEventLoop().time()
    if (this.#timer === null && this.#timeout !== Infinity) this.#wait(this.#timeout)
  }

  #wait(ms: number): void {
    this.#timer = getEventLoop().callLater(ms, () => {
      this.#timer = null
      const left = this.#usedAt + this.#timeout - getEventLoop().time()
      if (left > 0) this.#wait(left)
      else this.#onIdle()
    })
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#timer = null
  }
}
