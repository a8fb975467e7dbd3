// Every program of the site and of the READMEs is type-checked, all of them by one compiler.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { programsOf } from '../../vitest.programs.ts'
import { checkTypes } from './support/check-types.ts'
import { docs, programs } from './support/pages.ts'

const root = resolve(docs, '..')
const readmes = globSync(['README.md', 'packages/*/README.md', 'CONTRIBUTING.md'], { cwd: root })

/** The programs as files that exist for the compiler alone, each beside the document that shows it. */
const files: ReadonlyMap<string, string> = new Map([
  ...programs.map(
    ({ name, folder, program }) =>
      [join(folder, `${name.replaceAll(/[^\w.-]+/g, '_')}.ts`), program] as const,
  ),
  ...readmes.flatMap((readme) =>
    programsOf(readFileSync(join(root, readme), 'utf8')).map(
      (program, i) => [join(homeOf(readme), `README_${i + 1}.ts`), program] as const,
    ),
  ),
])

/** The folder whose dependencies a README's programs may use. The root has none: its programs use those of the site. */
function homeOf(readme: string): string {
  return dirname(readme) === '.' ? docs : join(root, dirname(readme), 'test')
}

// A program with a mistake, which shows that mistakes are found.
const wrongFile = join(docs, 'wrong.ts')
const wrong = `import { sleep } from '@tasktree/core'\n\nconst n: string = await sleep(1, 2)\n`

let findings: string[] = []
beforeAll(() => {
  findings = checkTypes(new Map([...files, [wrongFile, wrong]]))
}, 120_000)

test('no program of the site and the READMEs has a type error', () => {
  expect(files.size).toBeGreaterThan(100)
  expect([...files.keys()].filter((file) => existsSync(file))).toEqual([])
  expect(findings.filter((finding) => !finding.startsWith('docs/wrong.ts'))).toEqual([])
})

test('a type error in a program is found', () => {
  expect(findings).toContainEqual(expect.stringMatching(/^docs\/wrong\.ts:3 .*not assignable/))
})
