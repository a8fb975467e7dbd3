import { stripVTControlCharacters, styleText } from 'node:util'

/** Spaces between two columns. */
const gap = 2

const colours = { done: 'green', failed: 'red', cancelled: 'yellow' } as const

/** Returns the state, in its colour if the output has colours. */
export function paintState(state: string): string {
  return state in colours ? styleText(colours[state as keyof typeof colours], state) : state
}

/**
 * Returns the rows as a table. The last column is plain text: its escape codes are removed, and it is cut so that a line
 * has at most `width` characters, but never to fewer than 6 characters.
 */
export function makeTable(heads: string[], rows: string[][], width: number): string {
  const lines = [heads, ...rows]
  const widths = heads.map((_, column) =>
    Math.max(...lines.map((line) => visibleLength(line[column] ?? ''))),
  )
  const before = widths.slice(0, -1).reduce((sum, each) => sum + each + gap, 0)
  const [head = '', ...body] = lines.map((line) => {
    const last = stripVTControlCharacters(line.at(-1) ?? '').slice(0, Math.max(6, width - before))
    const padded = line
      .slice(0, -1)
      .map((text, i) => text + ' '.repeat((widths[i] ?? 0) - visibleLength(text) + gap))
    return [...padded, last].join('').trimEnd()
  })
  return [styleText('dim', head), ...body].join('\n')
}

function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length
}
