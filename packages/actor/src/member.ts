import type { ExitReason } from './exit-reason.ts'
import type { RestartIntensity } from './restart-intensity.ts'
import type { Run } from './run.ts'
import type { Slot } from './slot.ts'

/** A child as its supervisor keeps it. */
export class Member {
  readonly slot: Slot
  /** Its own restart count, where each child has one. */
  readonly intensity: RestartIntensity | null
  /** An end that the supervisor has not dealt with yet. */
  exit: { readonly run: Run; readonly reason: ExitReason } | null = null
  /** The restart that is under way; another token, or none, makes a late timer's call void. */
  retry: object | null = null
  /** Restarts in a row. */
  attempts = 0
  stoppedByHand = false

  constructor(slot: Slot, intensity: RestartIntensity | null) {
    this.slot = slot
    this.intensity = intensity
  }

  get running(): boolean {
    return this.slot.run !== null
  }
}
