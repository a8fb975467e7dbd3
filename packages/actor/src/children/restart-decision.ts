import { type ExitReason, isAbnormal } from '../exit-reason.ts'
import type { Child } from './child.ts'
import type { Decision } from './incarnation.ts'

/**
 * Returns whether `child` is restarted after an end with `reason`. `decision` is what the option `decide` of the child
 * has returned about that end; null if it has returned nothing.
 */
export function restartsAfter(
  child: Child,
  reason: ExitReason,
  decision: Decision | null = null,
): boolean {
  if (child.stopRequested) return false
  if (child.returning) return true
  const { restart } = child.spec
  if (decision !== null) return decision === 'restart' && restart !== 'temporary'
  return restart === 'permanent' || (restart === 'transient' && isAbnormal(reason))
}
