/**
 * A child lives in real time, whatever the clock of its loop, and what ends it must strike after that
 * loop has been closed, too. Returns what stops it.
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
