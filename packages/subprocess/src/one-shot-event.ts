import { cancelOnAbort, DetailedFuture, type WaitDetails } from '@tasktree/core/lowlevel'

const childProcess = (): WaitDetails => ({ kind: 'process', label: 'a child process' })

/**
 * An event that happens once to a process. Each waiter gets a separate future, in the loop of the waiter, because a
 * process may outlive the loop in which it was started.
 */
export class OneShotEvent {
  #callbacks: Set<() => void> | null = new Set()

  get hasHappened(): boolean {
    return this.#callbacks === null
  }

  happen(): void {
    const callbacks = this.#callbacks
    this.#callbacks = null
    if (callbacks !== null) for (const callback of callbacks) callback()
  }

  /**
   * Calls `callback` in the turn in which the event happens, or at once when it has already happened. Returns a
   * function that removes the callback.
   */
  on(callback: () => void): () => void {
    if (this.#callbacks === null) callback()
    else this.#callbacks.add(callback)
    return () => this.#callbacks?.delete(callback)
  }

  /**
   * Waits for the event. An abort of `signal` cancels the wait.
   *
   * @param details describes the event for `why()` of core, which explains what a task waits for
   */
  async wait(signal?: AbortSignal, details: () => WaitDetails = childProcess): Promise<void> {
    if (this.hasHappened) return
    const happened = new DetailedFuture<void>(details)
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
