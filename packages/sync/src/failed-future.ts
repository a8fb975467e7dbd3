import { Future } from '@tasktree/core'
import { startAtCaller } from '@tasktree/core/lowlevel'

/**
 * Returns a future that has failed with `error`, for an operation that is no longer possible. The stack of the error
 * begins at the code that called the operation.
 */
export function failedFuture(error: Error): Future<never> {
  const future = new Future<never>()
  future.setException(startAtCaller(error, import.meta.url))
  return future
}
