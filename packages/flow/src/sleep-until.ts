import { type EventLoop, sleep } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'

/** Less than a nanosecond is a rounding error of the clock: a sleep of that length might not move it at all. */
const leastWait = 1e-6

/** Sleeps until the time `when()` of the clock of `loop`, which may move while it sleeps. */
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
