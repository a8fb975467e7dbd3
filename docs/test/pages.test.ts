// Each part of the repository that a reader looks for has a page.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { docs } from './support/pages.ts'

const root = resolve(docs, '..')

/** The page of the site that shows a README, and what it shows. */
function shows(page: string, readme: string): boolean {
  const file = join(docs, page)
  return (
    existsSync(file) && readFileSync(file, 'utf8').startsWith(`<!--@include: ../../${readme}-->`)
  )
}

test.each(globSync('packages/*/README.md', { cwd: root }))(
  'a page of the site shows %s, and the list of packages names it',
  (readme) => {
    const name = dirname(readme)
    expect(shows(`${name}.md`, readme)).toBe(true)
    expect(readFileSync(join(docs, 'packages/index.md'), 'utf8')).toContain(
      `@tasktree/${name.slice('packages/'.length)}\``,
    )
  },
)

test.each(globSync('benchmarks/*/README.md', { cwd: root }))(
  'a page of the site shows %s',
  (readme) => {
    expect(shows(`${dirname(readme).replace('benchmarks', 'performance')}.md`, readme)).toBe(true)
  },
)
