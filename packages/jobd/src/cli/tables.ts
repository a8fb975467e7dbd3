import { styleText } from 'node:util'
import Table from 'cli-table3'
import stringWidth from 'string-width'
import { type JobRecord, oneLine, paintState, textOf } from './cells.ts'

// A command imports this file only when it prints a table, because the libraries take about 80 ms of processor time to load.

/**
 * Makes a table without lines around its columns. If it is wider than `width` characters, the widest columns are cut.
 */
export function makeTable(heads: string[], rows: string[][], width = Infinity): string {
  const widths = columnWidths([heads, ...rows], width)
  const nothing = ''
  const table = new Table({
    head: heads.map((head) => styleText('dim', head)),
    colWidths: widths.map((each) => each + gap),
    chars: Object.fromEntries(borders.map((each) => [each, nothing])),
    style: { 'padding-left': 0, 'padding-right': gap, head: [], border: [] },
  })
  table.push(...rows)
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** Spaces between two columns. */
const gap = 2

const borders = ['top', 'bottom', 'left', 'mid', 'right', 'middle', 'left-mid', 'mid-mid'].concat([
  'right-mid',
  'top-mid',
  'top-left',
  'top-right',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
])

function columnWidths(rows: string[][], most: number): number[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => stringWidth(row[column] ?? ''))),
  )
  const total = (): number => widths.reduce((sum, width) => sum + width + gap, 0)
  while (total() > most) {
    const widest = widths.indexOf(Math.max(...widths))
    if ((widths[widest] as number) <= narrowest) break
    widths[widest]!--
  }
  return widths
}

const narrowest = 6

/** Makes a table of jobs in the order in which the server lists them, with the newest first. */
export function makeJobTable(jobs: readonly JobRecord[], width?: number): string {
  const rows = jobs.map((job) => [
    textOf(job['id']),
    textOf(job['kind']),
    oneLine(job['payload']),
    paintState(textOf(job['state'])),
    textOf(job['attempts']),
    oneLine(job['state'] === 'done' ? job['result'] : job['error']),
  ])
  return makeTable(['JOB', 'KIND', 'PAYLOAD', 'STATE', 'TRIES', 'RESULT'], rows, width)
}
