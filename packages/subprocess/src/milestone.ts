import { Future } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'

/**
 * Something that happens once to a process. Each that waits has a future of its own, in its own loop: a
 * process may outlive the loop that it was started in.
 */
export class Milestone {
  #callbacks: Set<() => void> | null = new Set()

  get reached(): boolean {
    return this.#callbacks === null
  }

  reach(): void {
    const callbacks = this.#callbacks
    this.#callbacks = null
    if (callbacks !== null) for (const callback of callbacks) callback()
  }

  /** Calls back in the turn in which it happens, or now when it has. Returns what takes it back. */
  on(callback: () => void): () => void {
    if (this.#callbacks === null) callback()
    else this.#callbacks.add(callback)
    return () => this.#callbacks?.delete(callback)
  }

  async wait(signal?: AbortSignal): Promise<void> {
    if (this.reached) return
    const happened = new Future<void>()
    const forget = this.on(() => {
      if (!happened.done()) happened.setResult()
    })
    try {
      await cancelOnAbort(happened, signal)
    } finally {
      forget()
    }
  }
}
