import type { Future } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import type { Releaser } from './releaser.ts'

/** Before anything is acquired for it. @throws {TypeError} when `fn` is no function */
export function checkBody(fn: unknown): void {
  if (typeof fn !== 'function') {
    throw new TypeError(`runExclusive takes a function, got ${describe(fn)}`)
  }
}

/**
 * Runs `fn` while what `acquiring` gives is held. As with `async with`, neither what is held already nor what
 * `fn` returns at once is waited for.
 */
export async function runHolding<T>(
  acquiring: Future<Releaser>,
  fn: () => PromiseLike<T> | T,
): Promise<T> {
  const held = acquiring.done() ? acquiring.result() : await acquiring
  // Not `using`, which the engine makes dearer than the acquire and the release together.
  try {
    const result = fn()
    return isThenable(result) ? await result : result
  } finally {
    held.release()
  }
}

function isThenable(x: unknown): x is PromiseLike<unknown> {
  return typeof x === 'object' && x !== null && 'then' in x
}
