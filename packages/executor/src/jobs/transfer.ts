import type { Transferable } from 'node:worker_threads'
import { describe } from '@tasktree/core/lowlevel'

const marksKey = Symbol.for('@tasktree/executor.transferMarks')

/** One map for all copies of this package in a thread: a job's module may have loaded a copy of its own. */
function findMarks(): WeakMap<object, readonly Transferable[]> {
  const home = globalThis as { [marksKey]?: WeakMap<object, readonly Transferable[]> }
  return (home[marksKey] ??= new WeakMap())
}

const marks = findMarks()

/**
 * Marks `value`, an argument or a result of a job, so that what is in `list` moves to the other thread instead of
 * being copied; it is unusable here from the moment the job is sent. The mark counts for one job. Between processes
 * it is copied all the same.
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
  marks.set(value, [...list])
  return value
}

const none: readonly Transferable[] = []

/** Returns what was marked in any of `values`, and removes the marks: they are used up by one job. */
export function takeTransferList(values: readonly unknown[]): readonly Transferable[] {
  let all = none
  for (const value of values) {
    if (typeof value !== 'object' || value === null) continue
    const list = marks.get(value)
    if (list === undefined) continue
    marks.delete(value)
    all = all.length === 0 ? list : [...new Set([...all, ...list])]
  }
  return all
}
