import { getEventLoop } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { test } from 'vitest'

export { thrown } from '../../../../vitest.thrown.ts'

/** Defines a test whose body runs as a task in virtual time. */
export function virtual(name: string, body: () => PromiseLike<void>): void {
  // oxlint-disable-next-line vitest/valid-title -- the caller passes the title
  test(name, () => runVirtual(body))
}

/** Returns a native promise, whose wait no cancel can end. It resolves after `ms` milliseconds of virtual time. */
export function foreign(ms: number): Promise<void> {
  return new Promise((resolve) => void getEventLoop().callLater(ms, resolve))
}
