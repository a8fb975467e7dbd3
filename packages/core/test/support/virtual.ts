import { getEventLoop } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { test } from 'vitest'

export { thrown } from '../../../../vitest.thrown.ts'

/** A test whose body runs as a task, in virtual time. */
export function virtual(name: string, body: () => PromiseLike<void>): void {
  // oxlint-disable-next-line vitest/valid-title -- it is handed on
  test(name, () => runVirtual(body))
}

/** A promise that this library did not make, so a cancel cannot end it. It resolves after `ms` milliseconds of virtual time. */
export function foreign(ms: number): Promise<void> {
  return new Promise((resolve) => void getEventLoop().callLater(ms, resolve))
}
