/** Milliseconds. */
export interface Spread {
  median: number
  p95: number
}

/** What happened within one second; `at` is when it ended, in `Date.now()` milliseconds. */
export interface Sample {
  at: number
  added: number
  done: number
  failed: number
  cancelled: number
  /** From when a job could begin to when it did; null when none began. */
  waited: Spread | null
  /** How long the attempts took that ended; null when none did. */
  ran: Spread | null
}

export interface MetricsSummary {
  /** Since this incarnation of the metrics started. */
  totals: Tally
  /** Means of the last ten seconds. */
  perSecond: Tally
  /** Of the last minute's samples, the worst. */
  waited: Spread | null
  ran: Spread | null
  /** How often each child of the tree was restarted, by path. */
  restarts: Record<string, number>
}

export interface Tally {
  added: number
  done: number
  failed: number
  cancelled: number
}
