export const jobStates = ['queued', 'running', 'done', 'failed', 'cancelled'] as const
export type JobState = (typeof jobStates)[number]
export const finalStates: ReadonlySet<JobState> = new Set(['done', 'failed', 'cancelled'])

/** A job as a client asks for it. */
export interface JobRequest {
  kind: string
  payload: string
  /** Jobs with a smaller number begin first. */
  priority: number
  /** Milliseconds until the job may begin. */
  delay: number
  /** Milliseconds that an attempt may take; 0 for no limit. */
  timeout: number
  /** How many further attempts follow a failure. */
  retries: number
  /**
   * While a job blocks its key, no second job with the same key is added. A client that asks for such a second job gets
   * the number of the first job.
   */
  key: string | null
  /** For how many milliseconds a finished job still blocks its key; null if it blocks the key until it is deleted. */
  keep: number | null
  /** Jobs of the same kind and group share the limits of the group; null if the job is in no group. */
  group: string | null
}

export interface Job extends JobRequest {
  id: number
  state: JobState
  /** How many attempts have begun. */
  attempts: number
  /**
   * How many times the server died while the job ran, since the job was added or was last queued again by a client.
   */
  deaths: number
  result: string | null
  /** Whether the result is plain text or JSON; null if there is no result. */
  resultType: 'text' | 'json' | null
  error: string | null
  /** This time and the times below are `Date.now()` milliseconds. */
  createdAt: number
  notBefore: number
  /** When the latest attempt began; null before the first attempt, and for jobs that the first edition of jobd ran. */
  startedAt: number | null
  /** When the job ended; null until its state is final. */
  endedAt: number | null
  /** The schedule that added the job; null if a client added it. */
  schedule: string | null
  /** The time of its schedule for which the job was added; null without a schedule. */
  scheduledAt: number | null
}

/** How an attempt went. Its state is `lost` if the worker or the server ended before the attempt did. */
export interface AttemptRecord {
  attempt: number
  state: 'running' | 'done' | 'failed' | 'cancelled' | 'lost'
  /** `Date.now()` milliseconds; null if an older version of jobd has not stored the time. */
  startedAt: number | null
  endedAt: number | null
  error: string | null
  /** How many bytes the attempt has written. */
  outputSize: number
}

/** A job in the queue, with the properties that decide when it begins. */
export interface QueuedJob {
  readonly id: number
  readonly kind: string
  readonly group: string | null
  readonly priority: number
  /**
   * When the job may begin, in milliseconds of the event loop's clock, which does not change when the wall clock is
   * set.
   */
  readonly dueAt: number
}

/** Selects jobs. A job must match every property that is given. */
export interface JobFilter {
  state?: JobState
  kind?: string
  key?: string
  group?: string
  schedule?: string
  /** The number of the job, with or without a `#` before it, or a part of its key, its payload or its error. */
  search?: string
  /** Matches jobs that were added more than this many milliseconds ago. */
  older?: number
  /**
   * Match jobs that were added at the time `since` or later, and at the time `until` or earlier; `Date.now()`
   * milliseconds.
   */
  since?: number
  until?: number
}

export function isJobState(state: string): state is JobState {
  return (jobStates as readonly string[]).includes(state)
}
