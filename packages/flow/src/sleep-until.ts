import { type EventLoop, sleep } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'

/**
 * Waits below one nanosecond, in milliseconds, are rounding errors of the clock. A sleep of that length might not
 * change the time of the clock at all.
 */
const leastWait = 1e-6

/**
 * Sleeps until the clock of `loop` has reached the time that `when()` returns. `when()` may return another time while
 * this function sleeps.
 */
export async function sleepUntil(
  loop: EventLoop,
  when: () => number,
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    const left = when() - loop.time()
    if (left < leastWait) return
    await cancelOnAbort(sleep(left), signal)
  }
}
