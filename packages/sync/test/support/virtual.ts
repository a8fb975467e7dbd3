import { runVirtual } from '@tasktree/core/testing'
import { test } from 'vitest'

export { thrown } from '../../../../vitest.thrown.ts'

/** Defines a test whose body runs as a task in virtual time. */
export function virtual(name: string, body: () => PromiseLike<void>): void {
  // oxlint-disable-next-line vitest/valid-title -- the caller passes the title
  test(name, () => runVirtual(body))
}
