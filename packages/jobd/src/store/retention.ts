import type { DatabaseSync } from 'node:sqlite'
import type { JobState } from '../jobs/job.ts'

/** How long, in milliseconds, jobs that have ended are kept, and how many of them. Infinity means no limit. */
export interface Retention {
  /** How long jobs that are done are kept. */
  done?: number
  /** How long jobs that have failed or were cancelled are kept. */
  failed?: number
  /** At most this many jobs that have ended are kept, even if they are recent. The oldest are deleted first. */
  last?: number
}

const ended = ['done', 'failed', 'cancelled'] as const

/**
 * Returns the retention that is written in the jobs' file. In a new file it is 7 days for done jobs, and 30 days for
 * jobs that have failed or were cancelled. A file of the first edition keeps all jobs.
 */
export function retentionOf(database: DatabaseSync): Required<Retention> {
  const find = database.prepare('SELECT value FROM settings WHERE name = ?')
  const limit = (name: string): number => Number(find.get(name)?.['value'] ?? Infinity)
  return { done: limit('keepDone'), failed: limit('keepFailed'), last: limit('keepLast') }
}

/** Returns the numbers of at most `limit` jobs that have ended and need not be kept any longer. */
export function surplusJobs(
  database: DatabaseSync,
  { done = Infinity, failed = Infinity, last = Infinity }: Retention,
  counts: Readonly<Record<JobState, number>>,
  limit: number,
): number[] {
  const now = Date.now()
  const old = ended.flatMap((state) => {
    const keep = state === 'done' ? done : failed
    return keep === Infinity ? [] : oldestOf(database, state, now - keep, limit)
  })
  const surplus = counts.done + counts.failed + counts.cancelled - last
  if (surplus <= old.length) return old.slice(0, limit).map(({ id }) => id)
  return ended
    .flatMap((state) =>
      oldestOf(database, state, Number.MAX_SAFE_INTEGER, Math.min(surplus, limit)),
    )
    .toSorted((a, b) => a.endedAt - b.endedAt)
    .slice(0, Math.min(surplus, limit))
    .map(({ id }) => id)
}

function oldestOf(
  database: DatabaseSync,
  state: string,
  before: number,
  limit: number,
): { id: number; endedAt: number }[] {
  const sql = `SELECT id, endedAt FROM jobs WHERE state = ? AND endedAt IS NOT NULL AND endedAt <= ? ORDER BY endedAt LIMIT ?`
  return database.prepare(sql).all(state, before, limit) as unknown as {
    id: number
    endedAt: number
  }[]
}
