import { Future } from '@tasktree/core'

/** What an operation returns that cannot be done any more. */
export function failed(error: Error): Future<never> {
  const future = new Future<never>()
  future.setException(error)
  return future
}
