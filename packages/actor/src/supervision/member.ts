import type { ExitReason } from '../exit-reason.ts'
import type { RestartIntensity } from './restart-intensity.ts'
import type { Incarnation } from '../children/incarnation.ts'
import type { Child } from '../children/child.ts'

/** A child as its supervisor keeps it. */
export class Member {
  readonly child: Child
  /** Its own restart count, where each child has one. */
  readonly intensity: RestartIntensity | null
  /** An end that the supervisor has not dealt with yet. */
  exit: { readonly incarnation: Incarnation; readonly reason: ExitReason } | null = null
  /** The restart that is under way; another token, or none, makes a late timer's call void. */
  retry: object | null = null
  /** Restarts in a row. */
  attempts = 0
  stoppedByHand = false

  constructor(child: Child, intensity: RestartIntensity | null) {
    this.child = child
    this.intensity = intensity
  }

  get running(): boolean {
    return this.child.incarnation !== null
  }
}
