import { getEventLoop, sleep } from '@tasktree/core'
import { abortError, checkDuration, checkOptions } from '@tasktree/core/lowlevel'
import { sleepUntil } from './sleep-until.ts'

/**
 * Returns the numbers 1, 2, 3 and so on, for a `for await` loop, one every `ms` milliseconds. The n-th tick is due `n *
 * ms` milliseconds after the loop began, no matter how long the body of the loop takes, so the ticks do not drift. If
 * the body, or the whole process, was busy at the time of several ticks, the loop gets the newest of them at once. The
 * others are skipped, and their numbers are missing.
 *
 * The times are those of the clock of the loop, which is monotonic. So a change of the system's time of day has no
 * effect.
 *
 * @throws {RangeError} when `ms` is not greater than 0
 *
 * @example
 *     let ticks = 0
 *     for await (const _ of ticker(5)) {
 *       if (++ticks === 3) break
 *     }
 *     console.log(ticks) // 3
 */
export function ticker(ms: number, options?: { signal?: AbortSignal }): AsyncIterable<number> {
  checkDuration('the interval of a ticker', ms)
  if (ms === 0) throw new RangeError('the interval of a ticker must not be 0')
  checkOptions(options)
  return { [Symbol.asyncIterator]: () => tick(ms, options?.signal) }
}

async function* tick(
  ms: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<number, void, undefined> {
  const loop = getEventLoop()
  const start = loop.time()
  for (let n = 1; ; n++) {
    // The next number is that of the newest tick that is due, or of the next tick if none is due.
    n = Math.max(n, Math.floor((loop.time() - start) / ms))
    const due = start + n * ms
    if (signal?.aborted === true) throw abortError(signal)
    // If the body of the loop is always late, no tick has to wait. This sleep lets I/O and cancels have their turns.
    if (due <= loop.time()) await sleep(0)
    await sleepUntil(loop, () => due, signal)
    yield n
  }
}
