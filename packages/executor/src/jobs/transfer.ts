import type { Transferable } from 'node:worker_threads'
import { describe } from '@tasktree/core/lowlevel'

const marksKey = Symbol.for('@tasktree/executor.transferMarks')

/**
 * Finds the one map that all copies of this package in a thread share, because a job's module may have loaded another
 * copy of the package.
 */
function findMarks(): WeakMap<object, readonly Transferable[]> {
  const home = globalThis as { [marksKey]?: WeakMap<object, readonly Transferable[]> }
  return (home[marksKey] ??= new WeakMap())
}

const marks = findMarks()

/**
 * Marks `value`, an argument or a result of a job, so that the objects in `list` move to the other thread instead of
 * being copied. The objects are unusable in this thread from the moment the job is sent. The mark counts for one job.
 * Between processes the objects are copied all the same.
 *
 * @throws {TypeError} when `value` is not an object, or `list` not an array
 *
 * @example
 *     const bytes = new Uint8Array(1_000_000)
 *     const job = toThread((data: Uint8Array) => data.length, transfer(bytes, [bytes.buffer]))
 *     console.log(await job, bytes.length) // 1000000 0
 */
export function transfer<T>(value: T, list: readonly Transferable[]): T {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`transfer() takes an object to send, got ${describe(value)}`)
  }
  if (!Array.isArray(list)) {
    throw new TypeError(`transfer() takes a list of what to move, got ${describe(list)}`)
  }
  marks.set(value, [...list])
  return value
}

const none: readonly Transferable[] = []

/**
 * Returns one list of the objects to move: the objects in the lists that were passed to `transfer` with one of
 * `values`.
 */
export function transferListOf(values: readonly unknown[]): readonly Transferable[] {
  let all = none
  for (const value of values) {
    if (typeof value !== 'object' || value === null) continue
    const list = marks.get(value)
    if (list === undefined) continue
    all = all.length === 0 ? list : [...new Set([...all, ...list])]
  }
  return all
}

/** Removes the marks of `values`, because a mark counts for one job. */
export function unmark(values: readonly unknown[]): void {
  for (const value of values) if (typeof value === 'object' && value !== null) marks.delete(value)
}
