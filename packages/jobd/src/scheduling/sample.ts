/** Milliseconds. */
export interface Spread {
  median: number
  p95: number
}

/** What happened within one second; `at` is when it ended, in `Date.now()` milliseconds. */
export interface Sample {
  /** One more with each sample: samples are told apart by it, because `at` goes back when the clock is set back. */
  n: number
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
  /** Since the server started. */
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

/** A part of the tree that ended and is started again; `at` is in `Date.now()` milliseconds. */
export interface Restart {
  at: number
  path: string
  reason: string
}
