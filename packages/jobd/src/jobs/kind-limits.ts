/** At most `limit` jobs begin in any `per` milliseconds. */
export interface Rate {
  readonly limit: number
  /** @defaultValue 1000 */
  readonly per?: number
}

/** What limits the jobs of a kind. Null: no limit. */
export interface KindLimits {
  /** How many may run at once. */
  concurrency: number | null
  /** How many may begin in a time. */
  rate: Required<Rate> | null
  /** The same for the jobs of one group. */
  groupConcurrency: number | null
  groupRate: Required<Rate> | null
}

/** A change of limits; what is left out stays, and null takes a limit away. */
export interface LimitChange {
  concurrency?: number | null
  rate?: Rate | null
  groupConcurrency?: number | null
  groupRate?: Rate | null
}
