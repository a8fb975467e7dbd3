import { checkCount, checkDuration, checkFlag, describe } from '@tasktree/core/lowlevel'
import type { JobdOptions } from './jobd.ts'

/** More workers than this are a mistake: each is an actor, and runs one job. */
const mostWorkers = 100_000

/**
 * Checks the options that no other part checks. A wrong number would be found out late, for example when no worker takes a
 * job.
 *
 * @throws {TypeError} when an option is of a wrong type; the message names the option
 * @throws {RangeError} when an option is out of range
 */
export function checkJobdOptions(options: JobdOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`startJobd expects an object of options, got ${describe(options)}`)
  }
  const { file, workers, grace, waitLock, maxQueued, maxDeaths, retention, tokens } = options
  if (typeof file !== 'string' || file === '' || file.includes('\0')) {
    throw new TypeError(`the option file must be the path of the jobs' file, got ${describe(file)}`)
  }
  if (workers !== undefined) checkCountUpTo('workers', workers, mostWorkers)
  if (maxQueued !== undefined) checkCount('maxQueued', maxQueued, 1)
  if (maxDeaths !== undefined) checkCountUpTo('maxDeaths', maxDeaths, Number.MAX_SAFE_INTEGER)
  if (grace !== undefined) checkDuration('grace', grace)
  if (waitLock !== undefined) checkDuration('waitLock', waitLock)
  if (tokens !== undefined && !Array.isArray(tokens)) {
    throw new TypeError(
      `the option tokens must be a list of { name, secret }, got ${describe(tokens)}`,
    )
  }
  if (options.vacuum !== undefined) checkFlag('vacuum', options.vacuum)
  if (retention === undefined) return
  if (typeof retention !== 'object' || retention === null) {
    throw new TypeError(
      `the option retention must be an object like { done: 1000 }, got ${describe(retention)}`,
    )
  }
  const { done, failed, last } = retention
  if (done !== undefined) checkDuration('retention.done', done)
  if (failed !== undefined) checkDuration('retention.failed', failed)
  if (last !== undefined) checkCount('retention.last', last, 0)
}

function checkCountUpTo(name: string, value: number, most: number): void {
  checkCount(name, value, 1)
  if (value > most) throw new RangeError(`${name} must be at most ${most}, got ${value}`)
}
