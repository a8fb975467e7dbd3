import { globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type ShownProgram, shownPrograms } from '../../../vitest.programs.ts'

export const docs: string = resolve(import.meta.dirname, '../..')

/** A program of a page of the site. */
export interface PageProgram extends ShownProgram {
  /** The page and the place of the program in it, as in 'start/index.md #2'. */
  name: string
  /** The folder of the page, in which the program runs. */
  folder: string
}

/** The programs of the pages themselves; the READMEs that the site includes are tested in their packages. */
export const programs: readonly PageProgram[] = globSync('{*,*/*}.md', {
  cwd: docs,
  exclude: ['node_modules'],
})
  .toSorted()
  .flatMap((page) =>
    shownPrograms(readFileSync(join(docs, page), 'utf8')).map((shown, i) =>
      Object.assign(shown, { name: `${page} #${i + 1}`, folder: join(docs, dirname(page)) }),
    ),
  )
