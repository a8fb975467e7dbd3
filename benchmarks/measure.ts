/** The median of several runs of `work`, in nanoseconds an operation; each run says how much it did, which is checked. */
export async function nanoseconds(
  operations: number,
  work: (operations: number) => PromiseLike<number>,
  runs = 7,
): Promise<number> {
  await checked(Math.ceil(operations / 10), work)
  await checked(Math.ceil(operations / 10), work)
  const samples: number[] = []
  for (let run = 0; run < runs; run++) {
    const start = process.hrtime.bigint()
    await checked(operations, work)
    samples.push(Number(process.hrtime.bigint() - start) / operations)
  }
  return median(samples)
}

async function checked(
  operations: number,
  work: (operations: number) => PromiseLike<number>,
): Promise<void> {
  const did = await work(operations)
  if (did !== operations) throw new Error(`the work was not done: ${did} of ${operations}`)
}

export function median(samples: number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}

/** Rows as a Markdown table, numbers with at most one digit after the point. */
export function table(head: string[], rows: (string | number)[][]): string {
  const text = (cell: string | number): string =>
    typeof cell === 'string'
      ? cell
      : cell.toLocaleString('en-US', { maximumFractionDigits: cell < 10 ? 2 : 0 })
  const line = (cells: (string | number)[]): string => `| ${cells.map(text).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
