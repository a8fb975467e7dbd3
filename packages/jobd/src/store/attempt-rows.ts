import type { AttemptRecord, Job } from '../jobs/job.ts'
import type { JobOutputs } from './job-outputs.ts'
import type { Statements } from './statements.ts'

/** How many attempts of a job are kept: the latest ones, each with its output. */
export const keptAttempts = 20

/**
 * A job's row says how its latest attempt goes. When the job begins anew, that is overwritten; this table keeps what was
 * there before. A job that succeeds at once has no row here, so that most jobs cost no further write.
 */
export const attemptColumns = 'job, attempt, state, startedAt, endedAt, error'

/** The statement that keeps the latest attempt of each job that `where` leaves as lost. Its parameters: the time, the reason, those of `where`. */
export function keepAsLost(where: string): string {
  return `INSERT OR REPLACE INTO attempts (${attemptColumns})
    SELECT id, attempts, 'lost', startedAt, ?, ? FROM jobs WHERE ${where}`
}

/** The attempts of a job that are kept, the first ones first. */
export function attemptsOf(job: Job, statements: Statements, outputs: JobOutputs): AttemptRecord[] {
  const sizes = outputs.sizes(job.id)
  const sizeOf = (attempt: number): number => sizes.get(attempt) ?? 0
  const kept = statements.rows(
    'SELECT attempt, state, startedAt, endedAt, error FROM attempts WHERE job = ? ORDER BY attempt',
    job.id,
  ) as Omit<AttemptRecord, 'outputSize'>[]
  const records: AttemptRecord[] = []
  for (const each of kept) records.push({ ...each, outputSize: sizeOf(each.attempt) })
  const { attempts: attempt, state, startedAt, endedAt, error } = job
  if (attempt === 0 || records.at(-1)?.attempt === attempt) return records
  const isKnown = state !== 'queued'
  return [
    ...records,
    {
      attempt,
      // A job that waits for its next attempt, and whose last one was not kept: an older version wrote it.
      state: isKnown ? state : 'failed',
      startedAt,
      endedAt: isKnown ? endedAt : null,
      error: state === 'done' ? null : error,
      outputSize: sizeOf(attempt),
    },
  ]
}
