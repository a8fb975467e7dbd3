/** At most `limit` jobs begin in any `per` milliseconds. */
export interface Rate {
  readonly limit: number
  /** @defaultValue 1000 */
  readonly per?: number
}

/** The limits of a kind. A property is null if there is no such limit. */
export interface KindLimits {
  /** How many jobs may run at the same time. */
  concurrency: number | null
  /** How many jobs may begin within a time. */
  rate: Required<Rate> | null
  /** The same limits for the jobs of each group. */
  groupConcurrency: number | null
  groupRate: Required<Rate> | null
}

/** A change of limits. A limit that is left out does not change, and null removes a limit. */
export interface LimitChange {
  concurrency?: number | null
  rate?: Rate | null
  groupConcurrency?: number | null
  groupRate?: Rate | null
}
