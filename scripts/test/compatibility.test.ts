// Checks docs/reference/compatibility.md: each cell of its tables must link to a test that exists, or say "no: " and the reason.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = join(root, 'docs/reference/compatibility.md')

/** The rows of all tables without their headings: the name in the first column, and the other cells of the row. */
const rows = readFileSync(page, 'utf8')
  .split('\n')
  .filter(
    (line) =>
      line.startsWith('| ') && !/^\| (?:-|package|TypeScript|bundler|test runner)/.test(line),
  )
  .map((line) =>
    line
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.trim()),
  )
  .map(([name, ...cells]) => ({ name: name as string, cells }))

test.each(rows)(
  'each cell of $name in compatibility.md links to a test, or says why there is none',
  ({ cells }) => {
    expect(cells.length).toBeGreaterThan(1)
    for (const cell of cells) {
      const files = [...cell.matchAll(/\]\((.*?)\)/g)].map((match) => match[1] as string)
      if (files.length === 0) expect(cell).toMatch(/^no: /)
      for (const file of files) expect(existsSync(join(dirname(page), file)) ? '' : file).toBe('')
    }
  },
)

test('compatibility.md lists every package in its table of runtimes', () => {
  const names = rows.map(({ name }) => name)
  for (const folder of globSync('packages/*', { cwd: root })) {
    expect(names).toContain(`\`${basename(folder)}\``)
  }
})
