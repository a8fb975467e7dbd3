/**
 * Workers live in real time, whatever the clock of the loop that submits to them, and outlive it; and
 * a pool's idle timer must not hold the process, which a loop's timers do.
 *
 * Returns what stops it.
 */
export function afterDelay(
  ms: number,
  callback: () => void,
  options: { hold: boolean },
): () => void {
  if (ms === Infinity) return () => {}
  // oxlint-disable-next-line eslint/no-restricted-globals -- see above
  const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1))
  if (!options.hold) timer.unref()
  return () => clearTimeout(timer)
}
