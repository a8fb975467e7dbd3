import { describe, isIterable, checkDelay } from '../arguments.ts'
import { type CoroutineFunction, runInline } from '../tasks/coroutine.ts'
import { isInterrupt, TimeoutError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import { cancelAll, untilAllEnded } from '../tasks/cancel-and-wait.ts'
import { createTask, type Task } from '../tasks/task.ts'
import { waitFor } from '../scopes/timeout.ts'
import { wait } from './wait.ts'

/**
 * The result of `staggeredRace`: the value and the index of the winner, which is the function that succeeded first;
 * undefined and null if no function succeeded. `exceptions` has one entry for each function that was called. The entry
 * is the error that the function threw (a CancelledError if it was cancelled), or null if it threw no error.
 */
export type RaceResult<T> =
  | { value: T; index: number; exceptions: unknown[] }
  | { value: undefined; index: null; exceptions: unknown[] }

/**
 * Calls the first function, and then each next function when the function before it has failed, or `delay` milliseconds
 * after the function before it was called, whichever is first. If `delay` is null, only a failure leads to the next
 * call. The function that succeeds first wins. The others are cancelled, and `staggeredRace` waits until they have
 * ended.
 *
 * @throws {TypeError} when `coros` is not an iterable of functions, and when `delay` is NaN
 *
 * @example
 *     const connect = (ms: number, name: string) => () => sleep(ms, name)
 *     const { value, index } = await staggeredRace([connect(500, 'IPv6'), connect(1, 'IPv4')], 20)
 *     console.log(value, index) // IPv4 1
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
  let isCutShort = false

  const runOne = async (previousFailed: Future<void> | null): Promise<void> => {
    if (previousFailed !== null) {
      try {
        await waitFor(() => previousFailed, limit)
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error
      }
    }
    // If a function has won, or the race was cancelled, just when this task had stopped waiting, the cancel of this
    // task comes too late to be thrown by that wait.
    if (winner !== null || isCutShort) return
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
      if (isInterrupt(error)) throw error
      exceptions[index] = error
      if (!failed.done()) failed.setResult()
      return
    }
    // Another function won just before, and the cancel came too late to stop this function. The value of this function
    // is not used.
    if (winner !== null) return
    winner = { value, index }
    for (const [i, task] of tasks.entries()) if (i !== index) task.cancel()
  }

  tasks.push(createTask(() => runOne(null)))
  try {
    // The list of tasks grows during the wait. So each iteration waits for the tasks that were added during the
    // iteration before.
    let ended = 0
    while (ended < tasks.length) {
      const { done } = await wait(tasks.slice(ended))
      ended += done.size
      for (const task of done) if (!task.cancelled()) task.result()
    }
  } catch (error) {
    isCutShort = true
    throw error
  } finally {
    await untilAllEnded(tasks, cancelAll(tasks))
  }
  const won = winner as { value: T; index: number } | null
  return won === null ? { value: undefined, index: null, exceptions } : { ...won, exceptions }
}
