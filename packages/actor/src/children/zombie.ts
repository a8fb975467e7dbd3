import { isCancelled } from '@tasktree/core'
import { isAbort, StaleIncarnation } from '../errors.ts'
import { formatThrown, tame } from '../exit-reason.ts'
import type { Incarnation } from './incarnation.ts'

/**
 * Reports that `incarnation` (a run of a child) was killed, but that code of it still runs until `promise` settles.
 * `message` is the name of this code in the log. If the child's option `onZombie` is `escalate`, the supervisor of the
 * child then usually ends. When the code ends later, its result is ignored, but its error is logged.
 */
export function reportZombie(
  incarnation: Incarnation,
  message: string,
  sinceMs: number,
  promise: PromiseLike<unknown>,
): void {
  const { path, id, runtime, spec } = incarnation.child
  const facts = { path, id, incarnation: incarnation.number, message }
  if (spec.onZombie === 'escalate') incarnation.decision = 'escalate'
  runtime.log.warn(
    `${path} was killed, but ${message} goes on without it: it awaits something that cannot be cancelled`,
  )
  if (runtime.observed) runtime.emit({ type: 'zombie', ...facts, sinceMs })
  const emitSettled = (outcome: { error?: unknown }): void => {
    if (runtime.observed) runtime.emit({ type: 'zombie-settled', ...facts, ...outcome })
  }
  promise.then(
    () => emitSettled({}),
    (thrown: unknown) => {
      const error = tame(thrown)
      // Two kinds of errors are not logged: the CancelledError or AbortError that the kill caused, and the
      // StaleIncarnation that the context throws at code of an ended incarnation.
      if (!isCancelled(error) && !isAbort(error) && !(error instanceof StaleIncarnation)) {
        runtime.log.report(
          'error',
          `${path}: ${message}, which went on after the kill, has failed: ${formatThrown(error)}`,
          { event: 'zombie-failed', ...facts },
          error,
        )
      }
      emitSettled({ error })
    },
  )
}
