import type { EventEmitter } from 'node:events'
import { checkOptions } from '@tasktree/core/lowlevel'
import { EventStream } from './event-stream.ts'

/**
 * Waits for the next `event` of an EventEmitter or EventTarget, and returns its argument: the Event of an EventTarget,
 * or an array if an EventEmitter has passed several arguments. If an EventEmitter emits 'error' first, the promise
 * rejects with the argument of 'error'. `once` listens from the call on, and has removed its listeners when the promise
 * settles.
 *
 * @throws {TypeError} when `source` has no events, or `event` is not a name
 *
 * @example
 *     import { EventEmitter } from 'node:events'
 *
 *     const source = new EventEmitter()
 *     setTimeout(() => source.emit('ready', 8080), 5)
 *     console.log(await once<number>(source, 'ready')) // 8080
 */
export function once<T = unknown>(
  source: EventEmitter | EventTarget,
  event: string | symbol,
  options?: { signal?: AbortSignal },
): Promise<T> {
  checkOptions(options)
  const signal = options?.signal
  return first(
    new EventStream<T>('once', source, event, { buffer: 1, overflow: 'drop-newest', signal }),
  )
}

async function first<T>(events: EventStream<T>): Promise<T> {
  try {
    return (await events.next()).value as T
  } finally {
    await events.return()
  }
}
