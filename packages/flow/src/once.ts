import type { EventEmitter } from 'node:events'
import { Future } from '@tasktree/core'
import { abortError, cancelOnAbort, checkOptions } from '@tasktree/core/lowlevel'
import { listen } from './event-source.ts'

/**
 * Waits for the next `event` of an EventEmitter or EventTarget, and gives its argument: the Event of an EventTarget, and an
 * array where an EventEmitter has passed several. If an EventEmitter emits 'error' first, the promise rejects with it.
 * It listens from the call on, and has removed its listeners when the promise settles.
 *
 * @throws {TypeError} when `source` has no events, or `event` is not a name
 */
export function once<T = unknown>(
  source: EventEmitter | EventTarget,
  event: string | symbol,
  options?: { signal?: AbortSignal },
): Promise<T> {
  checkOptions(options)
  const signal = options?.signal
  if (signal?.aborted === true) return Promise.reject(abortError(signal))
  const heard = new Future<T>()
  const remove = listen(
    'once',
    source,
    event,
    (value) => {
      if (!heard.done()) heard.setResult(value as T)
    },
    (error) => {
      if (!heard.done()) heard.setException(error)
    },
  )
  return awaitAndRemove(cancelOnAbort(heard, signal), remove)
}

async function awaitAndRemove<T>(heard: Future<T>, remove: () => void): Promise<T> {
  try {
    return await heard
  } finally {
    remove()
  }
}
