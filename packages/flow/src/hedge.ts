import { sleep } from '@tasktree/core'
import { checkBody, checkCount, checkDuration } from '@tasktree/core/lowlevel'
import { requireOptions } from './check-options.ts'
import { runWithSignal } from './child.ts'
import { carryErrors } from './earlier-errors.ts'
import { Pump, Stop } from './pump.ts'
import { reportUnthrown } from './report-unthrown.ts'
import { throwAsIs } from './throw-as-is.ts'

export interface HedgeOptions {
  /** After this many milliseconds without a result a further attempt begins beside the running attempts. */
  delay: number
  /** How many attempts there are at most; 2 by default. */
  max?: number | undefined
  /** Its abort cancels the call, for code outside of a task. */
  signal?: AbortSignal | undefined
}

/**
 * Calls `fn`, and when it is slow calls it again beside the first call: for requests of which a few take much longer than
 * the others. The first result wins. The other attempts are cancelled, and have ended when it is returned.
 *
 * An attempt that fails counts as long as others are running: one of them may still win. When none is running, the last
 * error is thrown; its property `errors` lists the earlier errors. A failure does not begin a further attempt: for that,
 * hedge a `retry`. Nor does a cancel.
 *
 * @throws {TypeError} when `fn` is not a function, or `delay` not a number
 * @throws {RangeError} when `delay` or `max` is out of range
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
      // None is running.
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

/** The numbers of the attempts, each when its time has come. */
async function* attemptNumbers(delay: number, max: number): AsyncGenerator<number> {
  for (let attempt = 1; attempt <= max; attempt++) {
    if (attempt > 1) await sleep(delay)
    yield attempt
  }
}
