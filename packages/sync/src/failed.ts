import { Future } from '@tasktree/core'
import { startAtCaller } from '@tasktree/core/lowlevel'

/**
 * A future that has failed already: the return value of an operation that cannot be done any more. The stack of the error
 * begins where the program called.
 */
export function failed(error: Error): Future<never> {
  const future = new Future<never>()
  future.setException(startAtCaller(error, import.meta.url))
  return future
}
