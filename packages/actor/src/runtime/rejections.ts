import { takeRejections } from '@tasktree/core/lowlevel'
import { formatThrown } from '../exit-reason.ts'
import { currentIncarnation } from '../messages/handler-flow.ts'
import type { Runtime } from './runtime.ts'

/**
 * Reports rejections of promises that a handler did not await. Node reports a rejection in the asynchronous context in
 * which the promise was made, so the handler's actor is known. Core owns the listener of the process and asks here first.
 */
const watched = new Set<Runtime>()
let stopTaking: (() => void) | null = null

/** True when an actor of a watched system left the rejected promise behind. */
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
