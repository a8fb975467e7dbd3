/**
 * What is done when an AbortSignal of the program aborts.
 *
 * A program gives one signal to many waits, for instance the signal for its shutdown. An AbortSignal keeps its listeners
 * in a list, and searches this list from its beginning for each listener that is removed. With a listener for each wait,
 * n waits could cost n * n steps: 40,000 waits that one signal ended took half a minute. So a signal gets one listener
 * for all waits, and they are kept in a Set.
 */
import { checkSignal } from '../arguments.ts'
import { CancelledError, isCancelled, toCancelledError } from '../errors/errors.ts'
import type { Future } from './future.ts'

/** The callbacks for one signal. While there is at least one, the signal has one listener. */
class AbortCallbacks {
  readonly #signal: AbortSignal
  readonly #callbacks = new Set<() => void>()

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  add(callback: () => void): void {
    if (this.#callbacks.size === 0) {
      this.#signal.addEventListener('abort', this.#callAll, { once: true })
    }
    this.#callbacks.add(callback)
  }

  remove(callback: () => void): void {
    if (this.#callbacks.delete(callback) && this.#callbacks.size === 0) {
      this.#signal.removeEventListener('abort', this.#callAll)
    }
  }

  readonly #callAll = (): void => {
    for (const callback of this.#callbacks) {
      this.#callbacks.delete(callback)
      try {
        callback()
      } catch (error) {
        // A callback cancels a future, and the program may have overridden its `cancel`. An AbortSignal reports the error
        // of a listener as an uncaught exception and calls the other listeners, and so does this method.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}

const callbacksOf = new WeakMap<AbortSignal, AbortCallbacks>()

/**
 * Calls `callback` when `signal` aborts, or at once if `signal` is aborted already. Returns a function that takes the
 * callback back. Each call must be given a function of its own.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback()
    return () => {}
  }
  let callbacks = callbacksOf.get(signal)
  if (callbacks === undefined) callbacksOf.set(signal, (callbacks = new AbortCallbacks(signal)))
  callbacks.add(callback)
  return () => callbacks.remove(callback)
}

/**
 * Cancels `future` when `signal` aborts, or at once if `signal` is aborted already, and returns `future`. Code that
 * awaits `future` then gets the error that `abortError(signal)` returns. When `future` has ended, `signal` no longer
 * refers to it; otherwise a signal that lives long would collect futures.
 */
export function cancelOnAbort<F extends Future<unknown>>(
  future: F,
  signal: AbortSignal | undefined,
): F {
  if (signal === undefined || future.done()) return future
  checkSignal(signal)
  const forget = onAbort(signal, () => {
    future.cancel(abortError(signal))
  })
  if (!future.done()) future.onDone(forget)
  return future
}

/**
 * Returns the error that an operation throws when `signal` has stopped it: the reason of the signal if the reason is a
 * CancelledError, or else a new CancelledError with the reason as its cause.
 */
export function abortError(signal: AbortSignal): CancelledError {
  const reason: unknown = signal.reason
  return isCancelled(reason)
    ? toCancelledError(reason)
    : new CancelledError('the signal was aborted', { cause: reason })
}
