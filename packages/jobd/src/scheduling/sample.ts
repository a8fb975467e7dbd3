/** The median and the 95th percentile of durations, in milliseconds. */
export interface Spread {
  median: number
  p95: number
}

/** The events of one second. `at` is the end of that second, in `Date.now()` milliseconds. */
export interface Sample {
  /** The number of the sample. It identifies the sample, because `at` goes back when the clock is set back. */
  n: number
  at: number
  added: number
  done: number
  failed: number
  cancelled: number
  /** How long the jobs that began had waited since they could begin; null if no job began. */
  waited: Spread | null
  /** How long the attempts that ended had taken; null if no attempt ended. */
  ran: Spread | null
}

export interface MetricsSummary {
  /** Counts since the server started. */
  totals: Tally
  /** Means of the counts in the last ten seconds. */
  perSecond: Tally
  /** The largest values of the samples of the last minute. */
  waited: Spread | null
  ran: Spread | null
  /** How many times each child of the tree was restarted, by its path. */
  restarts: Record<string, number>
}

export interface Tally {
  added: number
  done: number
  failed: number
  cancelled: number
}

/** A part of the tree has ended and is started again; `at` is in `Date.now()` milliseconds. */
export interface Restart {
  at: number
  path: string
  reason: string
}
