import type { Transferable } from 'node:worker_threads'
import { describe } from '@tasktree/core/lowlevel'

const lists = new WeakMap<object, readonly Transferable[]>()

/**
 * Marks `value`, an argument or a result of a job, so that what is in `list` moves to the other thread
 * instead of being copied; it is unusable here from the moment the job is sent. Between processes it
 * is copied all the same.
 *
 * @throws {TypeError} when `value` is not an object, or `list` not an array
 */
export function transfer<T>(value: T, list: readonly Transferable[]): T {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`transfer() takes an object to send, got ${describe(value)}`)
  }
  if (!Array.isArray(list)) {
    throw new TypeError(`transfer() takes a list of what to move, got ${describe(list)}`)
  }
  lists.set(value, [...list])
  return value
}

const none: readonly Transferable[] = []

/** What was marked in any of `values`. */
export function transferListOf(values: readonly unknown[]): readonly Transferable[] {
  let all = none
  for (const value of values) {
    if (typeof value !== 'object' || value === null) continue
    const list = lists.get(value)
    if (list !== undefined) all = all.length === 0 ? list : [...new Set([...all, ...list])]
  }
  return all
}
