import type { Envelope } from '../messages/envelope.ts'
import type { ActorChild } from './actor-child.ts'

/** Warns that a handler ran for long without giving up the thread, because nothing else could run during that time. */
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
