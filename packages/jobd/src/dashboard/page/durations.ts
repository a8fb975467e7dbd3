/** Writes a duration: 340 ms, 12.3 s, 4 min, 2 h, 3 d. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 100_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  if (ms < 6_000_000) return `${Math.round(ms / 60_000)} min`
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`
}

/** Writes a duration at a tick of an axis, exactly, so that two ticks never look the same. */
export function formatTick(ms: number): string {
  const [size, unit] = ms < 1_000 ? [1, 'ms'] : ms < 120_000 ? [1_000, 's'] : [60_000, 'min']
  return `${Number((ms / size).toFixed(2))} ${unit}`
}

/**
 * Writes a duration that grows while the user looks at it: in whole seconds up to 100 seconds, and above that as
 * `formatDuration` does.
 */
export function formatAge(ms: number): string {
  return ms < 100_000 ? `${Math.max(0, Math.round(ms / 1_000))} s` : formatDuration(ms)
}

/** Writes the time of day in the browser's time zone. */
export function formatTime(date: Date): string {
  return date.toLocaleTimeString([], { hourCycle: 'h23' })
}
