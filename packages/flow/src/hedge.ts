import { sleep } from '@tasktree/core'
import { checkBody, checkCount, checkDuration } from '@tasktree/core/lowlevel'
import { requireOptions } from './check-options.ts'
import { runWithSignal } from './run-child.ts'
import { carryErrors } from './earlier-errors.ts'
import { Pump, Stop } from './pump.ts'
import { reportUnthrown } from './report-unthrown.ts'
import { throwAsIs } from './throw-as-is.ts'

export interface HedgeOptions {
  /**
   * If no attempt has had a result within this many milliseconds after the begin of the newest attempt, one more attempt
   * begins. The other attempts go on.
   */
  delay: number
  /** The largest number of attempts; 2 by default. */
  max?: number | undefined
  /** An abort of this signal cancels the call. Meant for code outside of a task. */
  signal?: AbortSignal | undefined
}

/**
 * Calls `fn`, and calls it again if the first call is slow, while the first call goes on. Use it for requests of which
 * a few take much longer than the others. The first result is returned. Before that, the other attempts are cancelled
 * and have ended.
 *
 * If an attempt fails while other attempts run, the call waits for the others. If all attempts have failed, the last
 * error is thrown, and its property `errors` lists the earlier errors. A failure does not start another attempt; to try
 * again after failures, pass a function that calls `retry`. A cancel starts no other attempt either.
 *
 * @throws {TypeError} when `fn` is not a function, or `delay` not a number
 * @throws {RangeError} when `delay` or `max` is out of range
 *
 * @example
 *     // A second call after 10 ms, if the first has not answered. The loser is cancelled.
 *     const answer = await hedge((attempt) => sleep(attempt === 1 ? 500 : 1, attempt), { delay: 10 })
 *     console.log(answer) // 2
 */
export function hedge<T>(
  fn: (attempt: number) => PromiseLike<T>,
  options: HedgeOptions,
): Promise<T> {
  checkBody('hedge', fn)
  requireOptions('hedge', '{ delay }', options)
  const delay = checkDuration('the option delay', options.delay)
  const max = checkCount('the option max', options.max ?? 2, 1)
  return runWithSignal(options.signal, () => raceAttempts(fn, delay, max))
}

async function raceAttempts<T>(
  fn: (attempt: number) => PromiseLike<T>,
  delay: number,
  max: number,
): Promise<T> {
  let winner: { value: T } | null = null
  const failures: unknown[] = []
  const attempts: Pump<number, T> = new Pump({
    items: attemptNumbers(delay, max),
    fn,
    concurrency: Infinity,
    done: (value) => {
      winner ??= { value }
      throwAsIs(new Stop(null))
    },
    failed: (error) => {
      if (winner === null) failures.push(error)
      else reportUnthrown(error)
      // All attempts that have begun have failed, so no attempt is running.
      if (failures.length === attempts.begun) throwAsIs(new Stop(null))
    },
  })
  await attempts.run()
  const won = winner as { value: T } | null
  if (won !== null) return won.value
  const last = failures.pop()
  carryErrors(last, failures)
  return throwAsIs(last)
}

/** Yields the number of each attempt when it is time for that attempt. */
async function* attemptNumbers(delay: number, max: number): AsyncGenerator<number> {
  for (let attempt = 1; attempt <= max; attempt++) {
    if (attempt > 1) await sleep(delay)
    yield attempt
  }
}
