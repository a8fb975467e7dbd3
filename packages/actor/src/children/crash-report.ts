import { formatReason, type ExitReason } from '../exit-reason.ts'
import type { Child } from './child.ts'
import type { Incarnation } from './incarnation.ts'

/** How an incarnation ended, in a few words: with a crash, in what. */
export function describeEnd(incarnation: Incarnation | null, reason: ExitReason): string {
  const during = reason.kind === 'error' ? (incarnation?.crashedIn ?? null) : null
  return during === null ? formatReason(reason) : `${formatReason(reason)} (in ${during})`
}

/**
 * Reports that a child has crashed and is not started again; `outcome` says what follows. A crash that leads to a
 * restart is reported by its supervisor, together with the restart.
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
