import { formatReason, type ExitReason } from '../exit-reason.ts'
import type { Child } from './child.ts'
import type { Incarnation } from './incarnation.ts'

/**
 * Describes the end of an incarnation (run of a child) in a few words. After a crash, the text also names the code that
 * crashed, if it is known.
 */
export function describeEnd(incarnation: Incarnation | null, reason: ExitReason): string {
  const during = reason.kind === 'error' ? (incarnation?.crashedIn ?? null) : null
  return during === null ? formatReason(reason) : `${formatReason(reason)} (in ${during})`
}

/**
 * If a child has crashed and is not restarted, logs the crash. `outcome` is the end of the logged sentence, and says
 * what happens instead of a restart. (If a crash leads to a restart, the supervisor logs both together.)
 */
export function reportEnd(
  child: Child,
  incarnation: Incarnation,
  reason: ExitReason,
  outcome: string,
): void {
  if (reason.kind !== 'error') return
  const { path, id, runtime } = child
  runtime.log.report(
    'error',
    `${path} has ended after ${describeEnd(incarnation, reason)}: ${outcome}`,
    { event: 'crashed', path, id, incarnation: incarnation.number, during: incarnation.crashedIn },
    reason.error,
  )
}
