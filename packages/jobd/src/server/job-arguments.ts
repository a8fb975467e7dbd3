import { isJobState, type JobFilter, type JobRequest, jobStates } from '../jobs/job.ts'
import type { KindTable } from '../jobs/kind-table.ts'
import { CommandError, largest, parseNumber, parseOptions } from './arguments.ts'

/** The options that select jobs, for JOB.LIST, JOB.PURGE and JOB.BULK. */
export const filterNames: readonly string[] = [
  'STATE',
  'KIND',
  'KEY',
  'GROUP',
  'SCHEDULE',
  'SEARCH',
  'OLDER',
  'SINCE',
  'UNTIL',
]
export const mostFilterWords: number = 2 * filterNames.length

/** The most characters of a search. SQLite fails to search for a text of more than 50,000 bytes. */
const longestSearch = 1_000

/** Reads a filter. @throws {CommandError} when a part of it is wrong */
export function parseFilter(words: readonly string[]): JobFilter {
  return toFilter(parseOptions(words, filterNames))
}

/** Makes a filter of options that were read. @throws {CommandError} when one of them is wrong */
export function toFilter(options: ReadonlyMap<string, string>): JobFilter {
  const [state, kind, key, group, schedule, search, older, since, until] = filterNames.map((name) =>
    options.get(name),
  )
  if (state !== undefined && !isJobState(state))
    throw new CommandError(`STATE must be one of ${jobStates.join(', ')}`)
  if (search !== undefined && search.length > longestSearch)
    throw new CommandError(`SEARCH has at most ${longestSearch} characters`)
  return {
    ...(state === undefined ? {} : { state }),
    ...(kind === undefined ? {} : { kind }),
    ...(key === undefined ? {} : { key }),
    ...(group === undefined ? {} : { group }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(search === undefined ? {} : { search }),
    ...(older === undefined ? {} : { older: parseNumber('OLDER', older, 0) }),
    ...(since === undefined ? {} : { since: parseNumber('SINCE', since, 0) }),
    ...(until === undefined ? {} : { until: parseNumber('UNTIL', until, 0) }),
  }
}

/** The options of a job, for JOB.ADD and JOB.EVERY. */
export const requestOptions = ['PRIORITY', 'DELAY', 'TIMEOUT', 'RETRIES', 'KEY', 'KEEP', 'GROUP']

/**
 * Reads the options of a job, and checks its kind and payload.
 *
 * @throws {CommandError} for wrong options
 * @throws {KindError} for a kind or a payload that the server does not accept
 */
export function toRequest(
  kind: string,
  payload: string,
  options: ReadonlyMap<string, string>,
  kinds: KindTable,
): JobRequest {
  const number = (name: string, least = 0, otherwise = 0): number =>
    parseNumber(name, options.get(name) ?? String(otherwise), least)
  if (options.has('KEEP') && !options.has('KEY'))
    throw new CommandError('syntax error: KEEP says how long a KEY is kept, and there is no KEY')
  kinds.check(kind)
  kinds.checkPayload(kind, payload)
  const { timeout, retries } = kinds.get(kind) ?? {}
  return {
    kind,
    payload,
    priority: number('PRIORITY', -largest),
    delay: number('DELAY'),
    timeout: number('TIMEOUT', 0, timeout),
    retries: number('RETRIES', 0, retries),
    key: options.get('KEY') ?? null,
    keep: options.has('KEEP') ? number('KEEP') : null,
    group: options.get('GROUP') ?? null,
  }
}

/** Reads the arguments of JOB.ADD. `toRequest` lists the errors. */
export function parseRequest(
  [kind = '', payload = '', ...rest]: readonly string[],
  kinds: KindTable,
): JobRequest {
  return toRequest(kind, payload, parseOptions(rest, requestOptions), kinds)
}

/** @throws {CommandError} when `text` is not the number of a job */
export function parseId(text: string | undefined): number {
  return parseNumber('the id', text, 1)
}
