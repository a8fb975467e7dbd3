import { Future } from '@tasktree/core'

/** A future that has failed already: the return value of an operation that cannot be done any more. */
export function failed(error: Error): Future<never> {
  const future = new Future<never>()
  future.setException(error)
  return future
}
