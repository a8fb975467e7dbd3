import { runVirtual } from '@tasktree/core/testing'
import { test } from 'vitest'

/** A test whose body runs as a task, in virtual time. */
export function virtual(name: string, body: () => PromiseLike<void>): void {
  // oxlint-disable-next-line vitest/valid-title -- it is handed on
  test(name, () => runVirtual(body))
}

/** What `promise` throws; it must. */
export async function thrown(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
