import { takeRejections } from '@tasktree/core/lowlevel'
import { formatThrown } from '../exit-reason.ts'
import { currentIncarnation } from '../messages/handler-flow.ts'
import type { Runtime } from './runtime.ts'

/**
 * The systems with the option `attributeRejections`. When a promise of an actor rejects, and no code handles the
 * rejection, such a system reports it with the path of the actor.
 *
 * Since version 24, Node reports a rejection in the asynchronous context of the code that rejected the promise; before,
 * of the code that made it. (An async function makes its promise and rejects it.) From that context, `take` finds the
 * actor. The process has one listener for such rejections, in `@tasktree/core`. It calls `take` first, and reports
 * the rejection itself only if `take` returns false.
 */
const watched = new Set<Runtime>()
let stopTaking: (() => void) | null = null

/**
 * Called by `@tasktree/core` when a promise was rejected and no code handles the rejection. If the promise belongs to
 * an actor, and its system has the option `attributeRejections`, reports the rejection and returns true. Otherwise
 * returns false; then `@tasktree/core` reports the rejection.
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
