import type { toRecord } from '@tasktree/jobd'

/** A job as the server describes it. */
export type JobRecord = ReturnType<typeof toRecord>

/**
 * Returns the numbers of the submitted jobs that were not run to their end: the server does not know the job, or the job
 * is neither done nor failed, or the server has not stored when the job began and ended.
 */
export function lostJobs(submitted: Iterable<number>, known: readonly JobRecord[]): number[] {
  const wasRun = new Set<unknown>()
  for (const { id, state, startedAt, endedAt } of known)
    if ((state === 'done' || state === 'failed') && startedAt !== null && endedAt !== null)
      wasRun.add(id)
  return [...submitted].filter((id) => !wasRun.has(id))
}
