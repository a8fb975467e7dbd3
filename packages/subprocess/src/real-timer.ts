/**
 * Calls back after `ms` milliseconds of real time; Infinity means never. Returns a function that stops the timer.
 *
 * A timer of the loop would not do: a child lives in real time even when the clock of its loop is virtual, and it must be
 * ended even when the loop has been closed. A timer of Node alone would not do either: beyond 2^31-1 ms it fires at once.
 */
export function afterDelay(ms: number, callback: () => void): () => void {
  if (ms === Infinity) return () => {}
  const longest = 2 ** 31 - 1
  // oxlint-disable-next-line eslint/no-restricted-globals -- see above
  let timer = setTimeout(strike, Math.min(ms, longest))
  function strike(): void {
    ms -= longest
    // oxlint-disable-next-line eslint/no-restricted-globals -- see above
    if (ms > 0) timer = setTimeout(strike, Math.min(ms, longest))
    else callback()
  }
  return () => clearTimeout(timer)
}
