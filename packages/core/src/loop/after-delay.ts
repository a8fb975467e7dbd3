/** The longest delay that one timer of the runtime can have. A timer with a longer delay would fire at once. */
const longestDelay = 2 ** 31 - 1

/**
 * Calls `callback` after `ms` milliseconds of real time; Infinity means never. Returns a function that stops the timer.
 *
 * Child processes and workers need this function, because they run in real time. A timer of the loop would not work for
 * them: the clock of the loop may be virtual, and the loop may be closed before the process or the worker has ended.
 * With `hold: false`, the timer does not keep the program alive. A delay beyond 2^31-1 ms is made of several timers of
 * the runtime, because a single timer with such a delay fires at once.
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
    // oxlint-disable-next-line eslint/no-restricted-globals -- this timer runs in real time, not in the time of a loop
    timer = setTimeout(() => {
      if (left > next) arm(left - next)
      else callback()
    }, next)
    if (options?.hold === false) timer.unref()
  }
  arm(ms)
  return () => clearTimeout(timer)
}
