import type { AttemptRecord, Job } from '../jobs/job.ts'
import type { JobOutputs } from './job-outputs.ts'
import type { Statements } from './statements.ts'

/** How many attempts of a job are stored, with their outputs. Earlier attempts are deleted. */
export const keptAttempts = 20

/**
 * The row of a job in the table `jobs` describes the latest attempt of the job. The next attempt overwrites this
 * description, so the table `attempts` has the attempts before the latest one. A job that succeeds in its first attempt
 * has no row in this table, and needs no further write.
 */
export const attemptColumns = 'job, attempt, state, startedAt, endedAt, error'

/**
 * Returns the statement that stores the latest attempt of each job that matches `where` as lost. Its parameters are the
 * time, the reason, and the parameters of `where`.
 */
export function keepAsLost(where: string): string {
  return `INSERT OR REPLACE INTO attempts (${attemptColumns})
    SELECT id, attempts, 'lost', startedAt, ?, ? FROM jobs WHERE ${where}`
}

/** Returns the stored attempts of a job, the earliest first. */
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
      // If the job is queued, an older version of jobd wrote the jobs' file, because this version stores a row for the
      // attempt. The job was queued again, so its latest attempt has failed.
      state: isKnown ? state : 'failed',
      startedAt,
      endedAt: isKnown ? endedAt : null,
      // While an attempt runs, the job still has the error of the attempt before it.
      error: state === 'done' || state === 'running' ? null : error,
      outputSize: sizeOf(attempt),
    },
  ]
}
