import type { Future } from '@tasktree/core'

/**
 * Cancels a future that no code awaits any more. If the future has failed already, marks its error as handled, so that
 * the error is not reported.
 */
export function cancelUnawaited(future: Future<unknown>): void {
  if (!future.cancel() && !future.cancelled()) future.exception()
}
