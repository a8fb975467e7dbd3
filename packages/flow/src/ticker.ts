import { getEventLoop, sleep } from '@tasktree/core'
import { abortError, checkDuration, checkOptions } from '@tasktree/core/lowlevel'
import { sleepUntil } from './sleep-until.ts'

/**
 * Ticks every `ms` milliseconds, for a `for await` loop. The n-th tick is due `n * ms` milliseconds after the loop began,
 * however long the body of the loop takes, so the ticks do not drift. It gives `n`: 1, 2, 3 and so on. When ticks were
 * missed, because the body or the whole process was busy, the newest of them comes at once and the others are skipped,
 * which shows in the numbers.
 *
 * The time is that of the loop's clock, which is monotonic: a change of the system's time of day does not matter.
 *
 * @throws {RangeError} when `ms` is not greater than 0
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
    // The newest tick that is due, or else the next one.
    n = Math.max(n, Math.floor((loop.time() - start) / ms))
    const due = start + n * ms
    if (signal?.aborted === true) throw abortError(signal)
    // A loop body that is always late must still let I/O and cancels in.
    if (due <= loop.time()) await sleep(0)
    await sleepUntil(loop, () => due, signal)
    yield n
  }
}
