import type { TimerHandle } from '@tasktree/core'
import type { Child } from '../children/child.ts'
import type { Incarnation } from '../children/incarnation.ts'
import type { ExitReason } from '../exit-reason.ts'
import type { RestartIntensity } from './restart-intensity.ts'

/** A restart that has begun and not ended. */
export interface Retry {
  /** The children that it starts again, in order. */
  readonly group: readonly Member[]
  timer: TimerHandle | null
}

/** A child as its supervisor keeps it. */
export class Member {
  readonly child: Child
  /** Its own restart count, with `perChild`. */
  readonly intensity: RestartIntensity | null
  /** An end that the supervisor has not dealt with yet. */
  exit: { readonly incarnation: Incarnation; readonly reason: ExitReason } | null = null
  /** The restart that its end has led to. A timer or an operation of an earlier one finds another here, and does nothing. */
  retry: Retry | null = null
  /** Stopped on request. A later restart of its group starts it again, unless `stickyStop` is set. */
  stoppedByHand = false
  /** Stopped on request while a restart was under way, which then does not start it. */
  leftOut = false

  constructor(child: Child, intensity: RestartIntensity | null) {
    this.child = child
    this.intensity = intensity
  }

  get running(): boolean {
    return this.child.incarnation !== null
  }
}
