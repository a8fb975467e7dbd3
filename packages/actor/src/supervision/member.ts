import type { TimerHandle } from '@tasktree/core'
import type { Child } from '../children/child.ts'
import type { Incarnation } from '../children/incarnation.ts'
import type { ExitReason } from '../exit-reason.ts'
import type { RestartIntensity } from './restart-intensity.ts'

/** A restart that the supervisor has decided and not finished. */
export interface Retry {
  /** The children that this restart starts again, in the order of their start. */
  readonly group: readonly Member[]
  timer: TimerHandle | null
}

/** One child of a supervisor, and the data that the supervisor keeps about the child. */
export class Member {
  readonly child: Child
  /** Counts the restarts of this child alone, if the supervisor has the option `perChild`; otherwise null. */
  readonly intensity: RestartIntensity | null
  /**
   * Set when an incarnation (run) of the child has ended and the supervisor has not handled this end yet; otherwise
   * null.
   */
  exit: { readonly incarnation: Incarnation; readonly reason: ExitReason } | null = null
  /**
   * The restart of this child that waits for its delay or its turn; null when there is none. A timer or an operation of
   * a restart first compares the Retry object of that restart with this field. If they differ, the restart was cancelled
   * or replaced, and nothing is done.
   */
  retry: Retry | null = null
  /**
   * True after `stopChild` was called for this child, until its next start. A restart of the child's group (the children that are restarted
   * together) starts the child again, unless the option `stickyStop` of the child is true.
   */
  stoppedByHand = false
  /**
   * True when the child was stopped for good during a restart of its group (the children that are restarted together).
   * That restart does not start the child, not even in a later attempt.
   */
  leftOut = false

  constructor(child: Child, intensity: RestartIntensity | null) {
    this.child = child
    this.intensity = intensity
  }

  get running(): boolean {
    return this.child.incarnation !== null
  }
}
