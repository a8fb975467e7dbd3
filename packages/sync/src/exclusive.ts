import type { Future } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import type { Releaser } from './releaser.ts'

/** Runs `fn` while holding what `acquire` gives, and lets go of it however `fn` ends. */
export function runHolding<T>(
  acquire: () => Future<Releaser>,
  fn: () => PromiseLike<T> | T,
): Promise<T> {
  if (typeof fn !== 'function') {
    throw new TypeError(`runExclusive takes a function, got ${describe(fn)}`)
  }
  return hold(acquire(), fn)
}

async function hold<T>(acquired: Future<Releaser>, fn: () => PromiseLike<T> | T): Promise<T> {
  const releaser = await acquired
  try {
    return await fn()
  } finally {
    releaser.release()
  }
}
