import type { EventEmitter } from 'node:events'
import { describe } from '@tasktree/core/lowlevel'

/** A listener for the events of an EventEmitter. An event may have any number of arguments. */
type Listener = (...args: unknown[]) => void

interface Emitter {
  on(event: string | symbol, listener: Listener): unknown
  removeListener(event: string | symbol, listener: Listener): unknown
}

/**
 * Calls `heard` with each event `event` of `source`: with the argument of the event, or with an array if an
 * EventEmitter has passed several arguments. If `source` is an EventEmitter and `event` is not 'error', `failed` is
 * called with the argument of each 'error' event. Returns a function that removes the listeners.
 *
 * @throws {TypeError} when `source` is neither an EventEmitter nor an EventTarget, or for a wrong event name
 */
export function listen(
  call: string,
  source: EventEmitter | EventTarget,
  event: string | symbol,
  heard: (value: unknown) => void,
  failed: (error: unknown) => void,
): () => void {
  if (typeof event !== 'string' && typeof event !== 'symbol') {
    throw new TypeError(`${call} takes the name of an event, got ${describe(event)}`)
  }
  if (isEmitter(source)) {
    const listener: Listener = (...args) => heard(args.length > 1 ? args : args[0])
    source.on(event, listener)
    if (event !== 'error') source.on('error', failed)
    return () => {
      source.removeListener(event, listener)
      if (event !== 'error') source.removeListener('error', failed)
    }
  }
  if (isTarget(source)) {
    const name = String(event)
    source.addEventListener(name, heard)
    return () => source.removeEventListener(name, heard)
  }
  throw new TypeError(`${call} takes an EventEmitter or an EventTarget, got ${describe(source)}`)
}

function isEmitter(source: unknown): source is Emitter {
  return hasMethods(source, 'on', 'removeListener')
}

function isTarget(source: unknown): source is EventTarget {
  return hasMethods(source, 'addEventListener', 'removeEventListener')
}

function hasMethods(x: unknown, ...names: string[]): boolean {
  if ((typeof x !== 'object' && typeof x !== 'function') || x === null) return false
  return names.every((name) => typeof (x as Record<string, unknown>)[name] === 'function')
}
