/** Writes a duration for people to read: `250 ms`, `1.5 s`, `41 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
export function durationText(milliseconds: number): string {
  const ms = Math.max(0, milliseconds)
  if (ms === Infinity) return 'ever'
  if (ms < 999.5) return `${Math.round(ms)} ms`
  const seconds = ms / 1_000
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`
  if (seconds < 59.5) return `${Math.round(seconds)} s`
  const rounded = Math.round(seconds)
  if (rounded < 3_600) return inTwo(Math.floor(rounded / 60), 'min', rounded % 60, 's')
  const minutes = Math.round(seconds / 60)
  if (minutes < 1_440) return inTwo(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
  const hours = Math.round(seconds / 3_600)
  return inTwo(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function inTwo(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`
}
