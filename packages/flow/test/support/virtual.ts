import { currentTask, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { test } from 'vitest'

export { thrown } from '../../../../vitest.thrown.ts'

/** Defines a test whose body runs as a task in virtual time. */
export function virtual(name: string, body: () => PromiseLike<void>): void {
  // oxlint-disable-next-line vitest/valid-title -- the caller passes the title
  test(name, () => runVirtual(body))
}

/** The time of the running loop in whole milliseconds since the test began. */
export function now(): number {
  return Math.round(currentTask()?.getLoop().time() ?? NaN)
}

/** Counts the calls that run, that have begun and that were cancelled, and the largest number that ran at the same time. */
export class Gauge {
  running = 0
  most = 0
  begun = 0
  cancelled = 0

  /** A call that is counted. It sleeps for `ms` milliseconds, and cleans up for `cleanUp` milliseconds when it is cancelled. */
  async work(ms: number, cleanUp = 0): Promise<void> {
    this.begun++
    this.running++
    this.most = Math.max(this.most, this.running)
    try {
      await sleep(ms)
    } catch (error) {
      this.cancelled++
      if (cleanUp > 0) await sleep(cleanUp)
      throw error
    } finally {
      this.running--
    }
  }
}

/** Returns a list to which each call of the loop's exception handler is added during the rest of the test. */
export function reports(): unknown[] {
  const heard: unknown[] = []
  currentTask()
    ?.getLoop()
    .setExceptionHandler((_loop, { exception }) => heard.push(exception))
  return heard
}
