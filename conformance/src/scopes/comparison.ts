import type { Traces } from './program.ts'

/** The first line of a task that differs, by the time of the line. */
export interface Difference {
  task: string
  line: number
  trio: string | undefined
  ours: string | undefined
}

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

/** Both traces of the tasks that differ, side by side. */
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
