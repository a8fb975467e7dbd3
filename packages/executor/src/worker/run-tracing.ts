import { Tracing } from '@tasktree/core/lowlevel'
import type { Carrier } from '../transport/protocol.ts'

/** A job in its worker, from the call of its function to its outcome. */
export interface RunTrace {
  /** The name of the function that the job runs. */
  readonly job: string
  /** The number of this worker in its pool. */
  readonly worker: number | null
  /** The text fields that a tracing tool has sent with the job; null for none. */
  readonly carrier: Carrier | null
}

export const runTracing: Tracing<RunTrace> = new Tracing('tasktree:executor.run')
