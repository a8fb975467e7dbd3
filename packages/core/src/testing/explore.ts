import { checkBody, checkOptions } from '../arguments.ts'
import { errorText } from '../errors/error-text.ts'
import { runOnVirtualLoop } from './run-virtual.ts'
import { checkSeed, SeededSchedule } from './schedule.ts'
import { VirtualClock } from './virtual-clock.ts'

/**
 * `explore` throws this error when the program fails under a schedule (an order in which the loop runs what is ready).
 * `cause` is the error that the program threw.
 */
export class ScheduleError extends Error {
  override readonly name: string = 'ScheduleError'
  readonly code: string = 'ERR_SCHEDULE'
  /** The seed of the schedule. `explore(program, { seed })` runs the program under the same schedule again. */
  readonly seed: number
  /**
   * The names of the entries of the loop's ready queue, in the order in which the loop ran them; for example `resume
   * Task-1`.
   */
  readonly trace: readonly string[]

  constructor(seed: number, cause: unknown, trace: readonly string[]) {
    super(
      `the schedule of seed ${seed} fails; replay it with { seed: ${seed} }. ${errorText(cause)}`,
      { cause },
    )
    this.seed = seed
    this.trace = trace
  }
}

/**
 * Runs `program` under many schedules, in virtual time. A schedule is an order in which the tasks and callbacks that
 * are ready run. It is computed from a seed, and the same seed always gives the same order. The program fails if its
 * promise rejects, or if it waits for ever.
 *
 * @param options `seeds` is the number of schedules, 1,000 by default; `seed` is the seed of the first schedule, 0 by
 * default, and each next schedule has the next number as its seed; if only `seed` is given, only one schedule runs
 * @throws {TypeError} when `program` is not a function or `seed` not an integer
 * @throws {RangeError} when `seeds` is not a positive integer
 * @throws {ScheduleError} for the first seed with which the program fails
 *
 * @example
 *     const { schedules } = await explore(
 *       async () => {
 *         let sum = 0
 *         const add = async (n: number) => {
 *           await sleep(0)
 *           sum += n
 *         }
 *         await gather([() => add(1), () => add(2)]) // in another order each time
 *         if (sum !== 3) throw new Error(`the sum is ${sum}`)
 *       },
 *       { seeds: 20 },
 *     )
 *     console.log(schedules) // 20
 */
export function explore(
  program: () => PromiseLike<void>,
  options: { seeds?: number; seed?: number } = {},
): Promise<{ schedules: number }> {
  checkBody('explore', program)
  checkOptions(options)
  const first = options.seed ?? 0
  const schedules = options.seeds ?? (options.seed === undefined ? 1_000 : 1)
  if (!Number.isInteger(schedules) || schedules < 1) {
    throw new RangeError(`seeds must be a positive integer, got ${String(schedules)}`)
  }
  checkSeed(first)
  return runSchedules(program, first, schedules)
}

async function runSchedules(
  program: () => PromiseLike<void>,
  first: number,
  schedules: number,
): Promise<{ schedules: number }> {
  for (let seed = first; seed < first + schedules; seed++) {
    const schedule = new SeededSchedule(seed)
    try {
      await runOnVirtualLoop(program, new VirtualClock(), schedule)
    } catch (error) {
      throw new ScheduleError(seed, error, schedule.trace)
    }
  }
  return { schedules }
}
