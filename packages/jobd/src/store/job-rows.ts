import type { SQLInputValue } from 'node:sqlite'
import { finalStates, type Job, type JobFilter, type JobState } from '../jobs/job.ts'
import { longestShown } from '../jobs/shown-job.ts'

/** The columns that are read for a job. */
export const columns =
  'id, kind, payload, priority, delay, timeout, retries, key, keep, "group", state, attempts, deaths, result, resultType, error, createdAt, notBefore, startedAt, endedAt, schedule, scheduledAt'

/**
 * The same columns as `columns`, with long texts shortened. Short texts are read whole, because `substr` ends a text at a NUL
 * character.
 */
export const shortColumns: string = columns.replaceAll(
  /payload|\bkey\b|"group"|\bresult\b|error/g,
  (name) =>
    `CASE WHEN octet_length(${name}) > ${longestShown} THEN substr(${name}, 1, ${longestShown}) ELSE ${name} END AS ${name}`,
)

/** A queued job as it is stored in the jobs' file. */
export type StoredQueuedJob = Pick<
  Job,
  'id' | 'kind' | 'group' | 'priority' | 'delay' | 'attempts' | 'deaths' | 'notBefore'
>

/** The result of queueing an ended job again. */
export type Revival = { before: Job | null; job: Job | null; keyHolder: number | null }

export const noJobs = (): Record<JobState, number> => ({
  queued: 0,
  running: 0,
  done: 0,
  failed: 0,
  cancelled: 0,
})

/** Whether a job does not block its key any more: it has ended, and the time `keep` has passed since its end. */
export function hasLetGo({ state, keep, endedAt }: Job, now: number): boolean {
  return finalStates.has(state) && keep !== null && now >= (endedAt ?? 0) + keep
}

/** Returns the WHERE clause for a filter, and the values of its parameters. */
export function conditionsOf(
  { state, kind, key, group, schedule, search, older, since, until }: JobFilter,
  more: readonly string[] = [],
): { where: string; values: SQLInputValue[] } {
  const conditions = [...more]
  const values: SQLInputValue[] = []
  const add = (condition: string, ...given: (SQLInputValue | undefined)[]): void => {
    if (given.includes(undefined)) return
    conditions.push(condition)
    values.push(...(given as SQLInputValue[]))
  }
  add('state = ?', state)
  add('kind = ?', kind)
  add('key = ?', key)
  add('"group" = ?', group)
  add('schedule = ?', schedule)
  add('createdAt < ?', older === undefined ? undefined : Date.now() - older)
  add('createdAt >= ?', since)
  add('createdAt <= ?', until)
  if (search !== undefined && search !== '') {
    const pattern = `%${search.replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`
    const like = ['key', 'payload', 'error'].map((column) => `${column} LIKE ? ESCAPE '\\'`)
    const id = /^#?(\d{1,15})$/.exec(search)?.[1]
    add(
      `(id = ? OR ${like.join(' OR ')})`,
      id === undefined ? -1 : Number(id),
      pattern,
      pattern,
      pattern,
    )
  }
  return { where: conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`, values }
}
