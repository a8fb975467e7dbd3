import { describe, isIterable, checkDelay } from '../arguments.ts'
import { type CoroutineFunction, runInline } from '../tasks/coroutine.ts'
import { KeyboardInterrupt, TimeoutError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import { untilEnded } from '../tasks/cancel-and-wait.ts'
import { createTask, type Task } from '../tasks/task.ts'
import { waitFor } from '../scopes/timeout.ts'
import { wait } from './wait.ts'

/** `exceptions` has an entry for each that was started, null for the winner; without a winner `index` is null. */
export type RaceResult<T> =
  | { value: T; index: number; exceptions: unknown[] }
  | { value: undefined; index: null; exceptions: unknown[] }

/**
 * Starts the first, and each next one when the one before has failed or `delay` milliseconds have
 * passed (null: only when it has failed). The first to succeed wins, and the others are cancelled and awaited.
 *
 * @throws {TypeError} for anything but an iterable of functions, and when `delay` is NaN
 *
 * Source: asyncio.staggered.staggered_race
 */
export function staggeredRace<T>(
  coros: Iterable<CoroutineFunction<[], T>>,
  delay: number | null,
): Promise<RaceResult<T>> {
  if (!isIterable(coros)) {
    throw new TypeError(`staggeredRace takes an iterable of functions, got ${describe(coros)}`)
  }
  const functions = [...coros]
  for (const coro of functions) {
    if (typeof coro !== 'function')
      throw new TypeError(`staggeredRace takes functions, got ${describe(coro)} among them`)
  }
  return race(functions, delay === null ? null : checkDelay(delay))
}

async function race<T>(
  functions: readonly CoroutineFunction<[], T>[],
  limit: number | null,
): Promise<RaceResult<T>> {
  const contestants = functions.entries()
  const exceptions: unknown[] = []
  const tasks: Task<void>[] = []
  let winner: { value: T; index: number } | null = null

  const runOne = async (previousFailed: Future<void> | null): Promise<void> => {
    if (previousFailed !== null) {
      try {
        await waitFor(() => previousFailed, limit)
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error
      }
    }
    const next = contestants.next()
    if (next.done === true) return
    const [index, coro] = next.value
    const failed = new Future<void>()
    tasks.push(createTask(() => runOne(failed)))
    exceptions.push(null)
    let value: T
    try {
      value = await runInline(coro)
    } catch (error) {
      if (error instanceof KeyboardInterrupt) throw error
      exceptions[index] = error
      if (!failed.done()) failed.setResult()
      return
    }
    // One that ended in the same turn, so that its cancel came too late, has not won.
    if (winner !== null) return
    winner = { value, index }
    for (const [i, task] of tasks.entries()) if (i !== index) task.cancel()
  }

  tasks.push(createTask(() => runOne(null)))
  try {
    // The list grows meanwhile, so each round waits for the tasks that are new since the last one.
    let ended = 0
    while (ended < tasks.length) {
      const { done } = await wait(tasks.slice(ended))
      ended += done.size
      for (const task of done) if (!task.cancelled()) task.result()
    }
  } finally {
    for (const task of tasks) task.cancel()
    for (const task of tasks) await untilEnded(task)
  }
  const won = winner as { value: T; index: number } | null
  return won === null ? { value: undefined, index: null, exceptions } : { ...won, exceptions }
}
