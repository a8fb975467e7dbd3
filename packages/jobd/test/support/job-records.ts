import type { Job } from '../../src/jobs/job.ts'

/** Makes the record of a job that waits for its first attempt. `change` replaces some of its fields. */
export function makeJob(id: number, change: Partial<Job> = {}): Job {
  return {
    id,
    kind: 'sleep',
    payload: '1',
    priority: 0,
    delay: 0,
    timeout: 0,
    retries: 0,
    key: null,
    keep: null,
    deaths: 0,
    startedAt: null,
    endedAt: null,
    state: 'queued',
    attempts: 0,
    group: null,
    schedule: null,
    scheduledAt: null,
    resultType: null,
    result: null,
    error: null,
    createdAt: 0,
    notBefore: 0,
    ...change,
  }
}
