/** The longest delay that one timer of the runtime can have. A longer one would fire at once. */
const longestDelay = 2 ** 31 - 1

/**
 * Calls `callback` after `ms` milliseconds of real time; Infinity means never. Returns a function that stops the timer.
 *
 * A timer of the loop would not do for a child process or a worker: it lives in real time even when the clock of its loop
 * is virtual, and it must be ended even when the loop has been closed. With `hold: false` the timer does not keep the
 * process alive. One timer of the runtime would not do either, because a delay beyond 2^31-1 ms fires at once.
 */
export function afterDelay(
  ms: number,
  callback: () => void,
  options?: { readonly hold?: boolean },
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
    if (options?.hold === false) timer.unref()
  }
  arm(ms)
  return () => clearTimeout(timer)
}
