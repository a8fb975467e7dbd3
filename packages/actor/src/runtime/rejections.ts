import { takeRejections } from '@tasktree/core/lowlevel'
import { formatThrown } from '../exit-reason.ts'
import { currentIncarnation } from '../messages/handler-flow.ts'
import type { Runtime } from './runtime.ts'

/**
 * The systems with the option `attributeRejections`: if a handler has not awaited a promise that has rejected, the
 * rejection is reported with the name of the actor.
 *
 * Node reports a rejection in the asynchronous context in which the promise was made, and from that context the actor
 * is found. Core owns the listener of the process, and calls `take` before it reports a rejection itself.
 */
const watched = new Set<Runtime>()
let stopTaking: (() => void) | null = null

/**
 * Reports the rejection and returns true if the promise was made by an actor of a watched system; otherwise returns
 * false.
 */
function take(error: unknown): boolean {
  const source = currentIncarnation()
  if (source === null || !watched.has(source.child.runtime)) return false
  const { child, number: incarnation } = source
  const { path, id, runtime } = child
  runtime.log.report(
    'error',
    `${path} left a promise behind that rejected: ${formatThrown(error)}`,
    { event: 'unhandled-rejection', path, id, incarnation },
    error,
  )
  if (runtime.observed) runtime.emit({ type: 'unhandled-rejection', path, id, incarnation, error })
  return true
}

export function watchRejections(runtime: Runtime): void {
  stopTaking ??= takeRejections(take)
  watched.add(runtime)
}

export function unwatchRejections(runtime: Runtime): void {
  if (!watched.delete(runtime) || watched.size > 0) return
  stopTaking?.()
  stopTaking = null
}
