import type { Traces } from './program.ts'

/** The line at which the traces of a task first differ. */
export interface Difference {
  task: string
  line: number
  trio: string | undefined
  ours: string | undefined
}

/** Returns the difference with the earliest time, because later differences may only be consequences of it. */
export function firstDifference(trio: Traces, ours: Traces): Difference | null {
  const found: Difference[] = []
  for (const task of new Set([...Object.keys(trio), ...Object.keys(ours)])) {
    const [expected, actual] = [trio[task] ?? [], ours[task] ?? []]
    const length = Math.max(expected.length, actual.length)
    for (let line = 0; line < length; line++) {
      if (expected[line] === actual[line]) continue
      found.push({ task, line, trio: expected[line], ours: actual[line] })
      break
    }
  }
  return found.toSorted((a, b) => timeOf(a) - timeOf(b))[0] ?? null
}

function timeOf({ trio, ours }: Difference): number {
  return Math.min(...[trio, ours].map((text) => (text === undefined ? Infinity : parseInt(text))))
}

/** Prints the traces of all tasks. The two traces of a task stand side by side if they differ. */
export function printDifference(trio: Traces, ours: Traces): string {
  const parts: string[] = []
  for (const task of new Set([...Object.keys(trio), ...Object.keys(ours)])) {
    const [expected, actual] = [trio[task] ?? [], ours[task] ?? []]
    const same = expected.join('\n') === actual.join('\n')
    parts.push(`${task}${same ? ' (the same)' : ''}`)
    for (let line = 0; line < Math.max(expected.length, actual.length); line++) {
      const [left, right] = [expected[line] ?? '', actual[line] ?? '']
      if (same) parts.push(`    ${left}`)
      else parts.push(`  ${left === right ? ' ' : '!'} ${left.padEnd(40)} | ${right}`)
    }
  }
  return parts.join('\n')
}
