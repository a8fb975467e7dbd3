import type { Future } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import { type Envelope, internalEnvelope } from '../messages/envelope.ts'

/**
 * The awaitables that one incarnation (run of an actor) has passed to `ctx.pipe()`. When an awaitable has settled, a
 * message with its outcome is put in the mailbox of the actor.
 */
export class Pipes {
  readonly #push: (envelope: Envelope) => void
  readonly #pending = new Set<Future<unknown>>()
  #closed = false

  constructor(push: (envelope: Envelope) => void) {
    this.#push = push
  }

  add<T>(
    future: Future<T>,
    map: (value: T) => unknown,
    onError: ((error: unknown) => unknown) | undefined,
  ): void {
    this.#pending.add(future)
    observe(future, () => {
      this.#pending.delete(future)
      const failed = failureOf(future)
      if (this.#closed) return
      const handle = (): unknown => {
        if (failed === null) return map(future.result())
        if (onError === undefined) throw failed.error
        return onError(failed.error)
      }
      this.#push(internalEnvelope('pipe', handle))
    })
  }

  /** Cancels the awaitables that have not settled yet. After this call, no outcome is put in the mailbox. */
  cancelAll(): void {
    this.#closed = true
    for (const future of this.#pending) future.cancel()
  }
}

function failureOf(future: Future<unknown>): { readonly error: unknown } | null {
  try {
    future.result()
    return null
  } catch (error) {
    return { error }
  }
}
