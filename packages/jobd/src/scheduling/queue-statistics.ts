/** Numbers about the queue and the workers. */
export interface QueueStatistics {
  /** Jobs that could begin, including some that were cancelled. */
  ready: number
  running: number
  /** Workers without a job. */
  idle: number
  /** Jobs that were queued again because their worker has died. */
  requeued: number
  /** Requests that wait for the end of a job. */
  waiters: number
  /** The names of paused kinds; an asterisk stands for every kind. */
  paused: string[]
}
