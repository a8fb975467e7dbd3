import type { Future } from '@tasktree/core'
import { isThenable } from '@tasktree/core/lowlevel'
import type { Releaser } from './releaser.ts'

/**
 * Runs `fn` while the hold that `acquiring` gives is held, and releases it at the end. Does not suspend the task if the
 * hold is there already, nor if `fn` returns a plain value, as `async with` does not.
 */
export async function runExclusive<T>(
  acquiring: Future<Releaser>,
  fn: () => PromiseLike<T> | T,
): Promise<T> {
  const held = acquiring.done() ? acquiring.result() : await acquiring
  // A `using` declaration here would cost more than the acquire and the release together.
  try {
    const result = fn()
    return isThenable(result) ? await result : result
  } finally {
    held.release()
  }
}
