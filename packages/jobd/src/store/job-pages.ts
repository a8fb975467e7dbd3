import type { DatabaseSync } from 'node:sqlite'
import { type Job, type JobFilter, type JobState, jobStates } from '../jobs/job.ts'
import { conditionsOf, noJobs, shortColumns } from './job-rows.ts'

/**
 * The columns by which a table of jobs can be sorted. With `running`, running jobs come first, then the newest jobs.
 */
export const tableSorts = [
  'running',
  'id',
  'kind',
  'state',
  'attempts',
  'priority',
  'duration',
  'endedAt',
] as const
export type TableSort = (typeof tableSorts)[number]

export interface TableQuery {
  filter: JobFilter
  sort: TableSort
  isDescending: boolean
  offset: number
  limit: number
}

export interface JobTable {
  /** The jobs of the page. Their long texts are shortened. */
  jobs: Job[]
  /** How many jobs in each state match the filter, if its own state is ignored. */
  counts: Record<JobState, number>
  /** How many jobs match the filter. */
  total: number
}

const duration = `coalesce(endedAt, unixepoch('subsec') * 1000) - startedAt`

/**
 * Reads a page of a table of jobs. `counts` has the numbers of all jobs, so that they need not be counted here if there
 * is no filter.
 */
export function readTable(
  database: DatabaseSync,
  { filter, sort, isDescending, offset, limit }: TableQuery,
  counts: Readonly<Record<JobState, number>>,
): JobTable {
  const { state, ...rest } = filter
  const found = Object.keys(rest).length === 0 ? counts : countStates(database, rest)
  const total =
    state === undefined ? jobStates.reduce((sum, each) => sum + found[each], 0) : found[state]
  const read = (extra: string[], order: string, skip: number, most: number): Job[] => {
    if (most <= 0) return []
    const { where, values } = conditionsOf(filter, extra)
    const sql = `SELECT ${shortColumns} FROM jobs ${where} ORDER BY ${order} LIMIT ? OFFSET ?`
    return database.prepare(sql).all(...values, most, skip) as unknown as Job[]
  }
  const way = isDescending ? 'DESC' : 'ASC'
  let jobs: Job[]
  if (sort === 'running' && state === undefined) {
    // The page is read by two queries, of which each uses an index. A single query that sorts by whether a job runs
    // would read all jobs.
    const { running } = found
    jobs = read([`state = 'running'`], 'id DESC', offset, Math.min(limit, running - offset))
    const skip = Math.max(0, offset - running)
    jobs = [...jobs, ...read([`state <> 'running'`], 'id DESC', skip, limit - jobs.length)]
  } else if (sort === 'running' || sort === 'id') jobs = read([], `id ${way}`, offset, limit)
  else {
    const column = sort === 'duration' ? duration : sort
    jobs = read([], `${column} ${way} NULLS LAST, id ${way}`, offset, limit)
  }
  return { jobs, counts: { ...found }, total }
}

function countStates(database: DatabaseSync, filter: JobFilter): Record<JobState, number> {
  const { where, values } = conditionsOf(filter)
  const rows = database
    .prepare(`SELECT state, count(*) AS n FROM jobs ${where} GROUP BY state`)
    .all(...values)
  const counts = noJobs()
  for (const row of rows) counts[String(row['state']) as JobState] = Number(row['n'])
  return counts
}
