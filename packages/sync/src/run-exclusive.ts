import type { Future } from '@tasktree/core'
import { isThenable } from '@tasktree/core/lowlevel'
import type { Releaser } from './releaser.ts'

/**
 * Waits for the Releaser from `acquiring`, runs `fn`, and releases at the end. Does not suspend the task if `acquiring`
 * is done already, nor if `fn` returns a plain value; `async with` of Python behaves in the same way.
 */
export async function runExclusive<T>(
  acquiring: Future<Releaser>,
  fn: () => PromiseLike<T> | T,
): Promise<T> {
  const held = acquiring.done() ? acquiring.result() : await acquiring
  // A `using` declaration would take longer here than the acquire and the release together.
  try {
    const result = fn()
    return isThenable(result) ? await result : result
  } finally {
    held.release()
  }
}
