import { type CancelledError, isCancelled, toCancelledError } from '../errors/errors.ts'

/** The cancels of one task: how many, the one that is yet to be delivered, and the signal that tells of them. */
export class Cancellation {
  /** Asked for and not taken back. */
  count = 0
  /** On its way to what the task waits on: who comes back here has gone round a circle of tasks that wait for each other. */
  isSpreading = false
  /** To be delivered when the task next waits or resumes. */
  pending = false
  message: string | CancelledError | undefined = undefined
  /** The message of the last one that was not delivered at once. */
  remembered: string | CancelledError | undefined = undefined
  #controller: AbortController | null = null

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      if (this.count > 0) this.#controller.abort(toCancelledError(this.message))
    }
    return this.#controller.signal
  }

  /**
   * True when a listener took the signal's reason, which it does to end what the task awaits with it:
   * then the cancel has been delivered, and must not strike a second time, in the task's cleanup.
   */
  abort(): boolean {
    const controller = this.#controller
    if (controller === null || controller.signal.aborted) return false
    const reason = toCancelledError(this.message)
    let taken = false
    Object.defineProperty(controller.signal, 'reason', {
      configurable: true,
      get: () => {
        taken = true
        return reason
      },
    })
    controller.abort(reason)
    return taken
  }

  takeBack(): number {
    if (this.count > 0 && --this.count === 0) {
      this.pending = false
      if (this.#controller?.signal.aborted === true) this.#controller = null
    }
    return this.count
  }

  /** Node's own APIs make the signal's reason the cause of an AbortError. */
  isOwnAbort(error: unknown): boolean {
    return (
      this.count > 0 &&
      error instanceof Error &&
      error.name === 'AbortError' &&
      isCancelled(error.cause)
    )
  }
}
