import { type EventLoop, type Future, sleep } from '@tasktree/core'

/** Less than a nanosecond is a rounding error of the clock: a sleep of that length might not move it at all. */
const leastWait = 1e-6

/** Sleeps until the time `when()` of the clock of `loop`, which may move while it sleeps. */
export async function sleepUntil(
  loop: EventLoop,
  when: () => number,
  prepare: (sleeping: Future<void>) => Future<void> = (sleeping) => sleeping,
): Promise<void> {
  for (;;) {
    const left = when() - loop.time()
    if (left < leastWait) return
    await prepare(sleep(left))
  }
}
