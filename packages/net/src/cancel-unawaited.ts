import type { Future } from '@tasktree/core'

/** Cancels a future that no code awaits any more, or marks its outcome as handled, so that it is not reported. */
export function cancelUnawaited(future: Future<unknown>): void {
  if (!future.cancel() && !future.cancelled()) future.exception()
}
