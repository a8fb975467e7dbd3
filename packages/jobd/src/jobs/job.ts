/** What a job can be. */
export const jobKinds = ['shell', 'hash', 'words', 'primes', 'fetch', 'python', 'sleep'] as const
export type JobKind = (typeof jobKinds)[number]

export const jobStates = ['queued', 'running', 'done', 'failed', 'cancelled'] as const
export type JobState = (typeof jobStates)[number]
export const finalStates: ReadonlySet<JobState> = new Set(['done', 'failed', 'cancelled'])

/** What a client asks for. */
export interface JobRequest {
  kind: JobKind
  payload: string
  /** The smallest first. */
  priority: number
  /** Milliseconds until it may begin. */
  delay: number
  /** Milliseconds an attempt may take; 0: no limit. */
  timeout: number
  /** Further attempts after a failure. */
  retries: number
  /** Two jobs of one key are one job. */
  key: string | null
}

export interface Job extends JobRequest {
  id: number
  state: JobState
  /** How often it was begun. */
  attempts: number
  result: string | null
  error: string | null
  /** `Date.now()` milliseconds. */
  createdAt: number
  notBefore: number
}

/** What there is to know of a job that waits for its turn. */
export type QueuedJob = Pick<Job, 'id' | 'kind' | 'priority' | 'notBefore'>

export function isJobKind(kind: string): kind is JobKind {
  return (jobKinds as readonly string[]).includes(kind)
}

export function isJobState(state: string): state is JobState {
  return (jobStates as readonly string[]).includes(state)
}
