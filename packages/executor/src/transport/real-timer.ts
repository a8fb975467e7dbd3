/** The longest delay that one timer of the runtime can have. A longer one would fire at once. */
const longestDelay = 2 ** 31 - 1

/**
 * Calls `callback` after `ms` milliseconds of real time, which may be longer than one timer of the runtime allows.
 * A pool does not use the timers of its loop: its workers live in real time even if the loop's clock is virtual,
 * they outlive the loop, and an idle worker's timer must not keep the process alive.
 *
 * Returns a function that stops it.
 */
export function afterDelay(
  ms: number,
  callback: () => void,
  options: { hold: boolean },
): () => void {
  if (ms === Infinity) return () => {}
  let timer: NodeJS.Timeout
  const arm = (left: number): void => {
    const next = Math.min(left, longestDelay)
    // oxlint-disable-next-line eslint/no-restricted-globals -- real time is meant, see above
    timer = setTimeout(() => {
      if (left > next) arm(left - next)
      else callback()
    }, next)
    if (!options.hold) timer.unref()
  }
  arm(ms)
  return () => clearTimeout(timer)
}
