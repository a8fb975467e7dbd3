export function median(samples: number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}

/** Prints rows as a Markdown table. A number below 10 gets at most two digits after the point, and any other number none. */
export function table(head: string[], rows: (string | number)[][]): string {
  const text = (cell: string | number): string =>
    typeof cell === 'string'
      ? cell
      : cell.toLocaleString('en-US', { maximumFractionDigits: cell < 10 ? 2 : 0 })
  const line = (cells: (string | number)[]): string => `| ${cells.map(text).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
