import type { TimerHandle } from '@tasktree/core'
import type { Child } from '../children/child.ts'
import type { Incarnation } from '../children/incarnation.ts'
import type { ExitReason } from '../exit-reason.ts'
import type { RestartIntensity } from './restart-intensity.ts'

/** A restart that was decided and has not finished. */
export interface Retry {
  /** The children to start again, in order. */
  readonly group: readonly Member[]
  timer: TimerHandle | null
}

/** A child with the state that its supervisor keeps about it. */
export class Member {
  readonly child: Child
  /** The restart count of this child with the option `perChild`; otherwise null. */
  readonly intensity: RestartIntensity | null
  /** The end of an incarnation that the supervisor has not handled yet; otherwise null. */
  exit: { readonly incarnation: Incarnation; readonly reason: ExitReason } | null = null
  /**
   * The current restart of this child; otherwise null. A timer or an operation of an older restart finds another object
   * here, and does nothing.
   */
  retry: Retry | null = null
  /** True after `stopChild`. A later restart of its group starts the child again, unless `stickyStop` is set. */
  stoppedByHand = false
  /**
   * True when the child was stopped during a restart of its group (the children that are restarted together). That
   * restart does not start the child.
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
