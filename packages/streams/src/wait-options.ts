/** The option of every operation that may wait. */
export interface WaitOptions {
  /** A signal that cancels the wait when it aborts. */
  signal?: AbortSignal | undefined
}
