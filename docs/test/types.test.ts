// Every program of the site and of the READMEs is type-checked, all of them by one compiler.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { beforeAll, expect, test } from 'vitest'
import { programsOf } from '../../vitest.programs.ts'
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

/** What the compiler says of the files, with their names as the document has them. */
function check(sources: ReadonlyMap<string, string>): string[] {
  const config = ts.readConfigFile(join(root, 'tsconfig.base.json'), (file) =>
    ts.sys.readFile(file),
  )
  const { options } = ts.parseJsonConfigFileContent(
    {
      ...(config.config as object),
      compilerOptions: {
        ...(config.config as { compilerOptions: object }).compilerOptions,
        declaration: false,
        isolatedDeclarations: false,
        noUnusedLocals: false,
        allowImportingTsExtensions: true,
      },
    },
    ts.sys,
    docs,
  )
  const host = ts.createCompilerHost(options)
  const readFile = host.readFile.bind(host)
  const fileExists = host.fileExists.bind(host)
  host.readFile = (file) => sources.get(file) ?? readFile(file)
  host.fileExists = (file) => sources.has(file) || fileExists(file)
  const program = ts.createProgram([...sources.keys()], options, host)
  return [...sources.keys()].flatMap((file) => {
    const source = program.getSourceFile(file)
    return [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ].map(({ messageText, start = 0 }) => {
      const line = (source?.getLineAndCharacterOfPosition(start).line ?? 0) + 1
      return `${relative(root, file)}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })
  })
}

// A program with a mistake, which shows that mistakes are found.
const wrongFile = join(docs, 'wrong.ts')
const wrong = `import { sleep } from '@tasktree/core'\n\nconst n: string = await sleep(1, 2)\n`

let findings: string[] = []
beforeAll(() => {
  findings = check(new Map([...files, [wrongFile, wrong]]))
}, 120_000)

test('every program of the site and the READMEs has right types', () => {
  expect(files.size).toBeGreaterThan(100)
  expect([...files.keys()].filter((file) => existsSync(file))).toEqual([])
  expect(findings.filter((finding) => !finding.startsWith('docs/wrong.ts'))).toEqual([])
})

test('a wrong type in a program is found', () => {
  expect(findings).toContainEqual(expect.stringMatching(/^docs\/wrong\.ts:3 .*not assignable/))
})
