export const jobStates = ['queued', 'running', 'done', 'failed', 'cancelled'] as const
export type JobState = (typeof jobStates)[number]
export const finalStates: ReadonlySet<JobState> = new Set(['done', 'failed', 'cancelled'])

/** What a client asks for. */
export interface JobRequest {
  kind: string
  payload: string
  /** The smallest first. */
  priority: number
  /** Milliseconds until the job may begin. */
  delay: number
  /** Milliseconds an attempt may take; 0: no limit. */
  timeout: number
  /** Further attempts after a failure. */
  retries: number
  /** A second job with the key of an earlier one is not added: the earlier job stands for both. */
  key: string | null
  /** For how many milliseconds a finished job still blocks its key; null: until the job is deleted. */
  keep: number | null
  /** Jobs of a kind that have one group share its limits; null: the job is in no group. */
  group: string | null
}

export interface Job extends JobRequest {
  id: number
  state: JobState
  /** How often it was begun. */
  attempts: number
  /** How often the server died while it ran. */
  deaths: number
  result: string | null
  /** How to read the result: as it is, or as JSON; null: there is none. */
  resultType: 'text' | 'json' | null
  error: string | null
  /** `Date.now()` milliseconds. */
  createdAt: number
  notBefore: number
  /** When the latest attempt began; null before the first one, and for jobs that the first edition ran. */
  startedAt: number | null
  /** Null until its state is final. */
  endedAt: number | null
  /** The schedule that added it; null: a client did. */
  schedule: string | null
  /** When its schedule was due; null without a schedule. */
  scheduledAt: number | null
}

/** How an attempt went. `lost`: its worker, or the server, ended before it. */
export interface AttemptRecord {
  attempt: number
  state: 'running' | 'done' | 'failed' | 'cancelled' | 'lost'
  /** `Date.now()` milliseconds; null where an older version has not kept it. */
  startedAt: number | null
  endedAt: number | null
  error: string | null
  /** Bytes that it has written. */
  outputSize: number
}

/** What there is to know of a job that waits for its turn. */
export interface QueuedJob {
  readonly id: number
  readonly kind: string
  readonly group: string | null
  readonly priority: number
  /** When it may begin, in milliseconds of the loop's clock, which no change of the wall clock moves. */
  readonly dueAt: number
}

/** Which jobs a command is about; every part that is given must hold. */
export interface JobFilter {
  state?: JobState
  kind?: string
  key?: string
  group?: string
  schedule?: string
  /** In the number, the key, the payload or the error. */
  search?: string
  /** Added more than this many milliseconds ago. */
  older?: number
  /** Added at this time or later, or at this time or earlier; `Date.now()` milliseconds. */
  since?: number
  until?: number
}

export function isJobState(state: string): state is JobState {
  return (jobStates as readonly string[]).includes(state)
}
