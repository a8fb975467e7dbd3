import { stripVTControlCharacters } from 'node:util'
import { expect, test, vi } from 'vitest'
import { makeTable } from '../src/report-table.ts'

test('makeTable cuts the last column by visible characters and never inside an escape code', () => {
  vi.stubEnv('FORCE_COLOR', '1')
  const red = (text: string): string => `\u001B[31m${text}\u001B[39m`
  const rows = [
    ['1', red('failed'), red('a long result')],
    ['2', 'done', 'another long result'],
  ]
  const table = makeTable(['JOB', 'STATE', 'RESULT OF IT'], rows, 21)
  expect(stripVTControlCharacters(table).split('\n')).toEqual([
    'JOB  STATE   RESULT O',
    '1    failed  a long r',
    '2    done    another',
  ])
  // Each colour that begins in a line ends in it.
  for (const line of table.split('\n')) {
    const codes = line.split('\u001B[').length - 1
    expect(codes % 2).toBe(0)
  }
  expect(table).toContain(red('failed'))
})
