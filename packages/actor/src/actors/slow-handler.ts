import type { Envelope } from '../messages/envelope.ts'
import type { ActorChild } from './actor-child.ts'

/**
 * Logs a warning and emits an event: a handler ran for `ms` milliseconds without giving up the thread, so no other code
 * could run during that time.
 */
export function reportSlow(child: ActorChild, envelope: Envelope, ms: number): void {
  const { runtime, path, id, number: incarnation } = child
  runtime.log.report(
    'warn',
    `${path} kept the thread for ${Math.round(ms)} ms in ${envelope.type}`,
    { event: 'slow', path, id, incarnation, message: envelope.type, ms },
  )
  if (!runtime.observed) return
  runtime.emit({ type: 'slow', path, id, incarnation, message: envelope.type, ms })
}
