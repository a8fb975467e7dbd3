// Tests the plugin as users load it: its configurations under ESLint 9 and 10, and the built package in oxlint.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ESLint } from 'eslint'
import eslint9 from 'eslint9'
import tseslint from 'typescript-eslint'
import { expect, onTestFinished, test } from 'vitest'
import { floatingFutures } from '../src/floating-futures.ts'
import plugin from '../src/index.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

const program = `import { createTask, detached, run, sleep, taskGroup, TaskManager } from '@tasktree/core'
import { Lock } from '@tasktree/sync'

await run(async () => {
  const lock = new Lock()
  sleep(1)
  lock.acquire()
  createTask(async () => {})
  await taskGroup(async (group) => {
    group.createTask(async () => {})
  })
  await using manager = new TaskManager()
  manager.create('poll', async () => {})
  detached(() => createTask(async () => {}))
  try {
    await sleep(1)
  } catch {}
  await Promise.race([sleep(1), sleep(2)])
})
`

/** The lines of `program` that must be reported, with the rules that report them. */
const syntactic = ['@tasktree/no-swallowed-cancel 17', '@tasktree/no-native-race 18']
const floating = ['no-floating-promises 6', 'no-floating-promises 7']

/** Makes an app with `program` in `main.ts`. The packages are copied and not linked, so that typescript-eslint sees packages. */
async function makeApp(): Promise<string> {
  const app = await mkdtemp(join(tmpdir(), 'tasktree-lint-'))
  onTestFinished(() => rm(app, { recursive: true }))
  await mkdir(join(app, 'node_modules/@tasktree'), { recursive: true })
  for (const name of ['core', 'sync', 'eslint-plugin']) {
    const target = join(app, 'node_modules/@tasktree', name)
    await mkdir(target)
    for (const part of [
      'package.json',
      'dist',
      ...(name === 'eslint-plugin' ? ['oxlint.json'] : []),
    ]) {
      await cp(join(root, 'packages', name, part), join(target, part), { recursive: true })
    }
  }
  await symlink(join(root, 'node_modules/@types'), join(app, 'node_modules/@types'), 'junction')
  await writeFile(join(app, 'package.json'), '{ "type": "module" }')
  await writeFile(join(app, 'main.ts'), program)
  const options = {
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    types: ['node'],
  }
  await writeFile(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...options, strict: true }, include: ['main.ts'] }),
  )
  return app
}

test.each([
  ['ESLint 10', ESLint],
  ['ESLint 9', eslint9.ESLint as unknown as typeof ESLint],
])(
  'the recommended and the type-checked configuration report the expected lines under %s',
  { tags: ['slow'] },
  async (_, Linter) => {
    const app = await makeApp()
    const linter = new Linter({
      cwd: app,
      overrideConfigFile: true,
      overrideConfig: [
        {
          files: ['**/*.ts'],
          plugins: { '@typescript-eslint': tseslint.plugin as never },
          languageOptions: {
            parser: tseslint.parser,
            parserOptions: { projectService: true, tsconfigRootDir: app },
          },
        },
        plugin.configs.recommended,
        plugin.configs.typeChecked,
      ] as never,
    })
    const [result] = await linter.lintFiles(['main.ts'])
    const found = result?.messages.map(({ ruleId, line }) => `${ruleId} ${line}`)
    expect(found?.toSorted()).toEqual(
      [...syntactic, ...floating.map((line) => `@typescript-eslint/${line}`)].toSorted(),
    )
  },
)

test(
  'oxlint with the built plugin and its configuration reports the expected lines',
  { tags: ['slow'] },
  async () => {
    const app = await makeApp()
    await writeFile(
      join(app, '.oxlintrc.json'),
      '{ "extends": ["./node_modules/@tasktree/eslint-plugin/oxlint.json"], "categories": { "correctness": "off" } }',
    )
    const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')
    const args = [oxlint, '--type-aware', '--format', 'json', 'main.ts']
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: app }).catch(
      (error: { stdout: string }) => error,
    )
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: { code: string; labels: { span: { line: number } }[] }[]
    }
    const found = diagnostics.map(({ code, labels }) => {
      const [, scope, rule] = /^(.*)\((.*)\)$/.exec(code) as unknown as [string, string, string]
      return `${scope}/${rule} ${labels[0]?.span.line}`
    })
    expect(found.toSorted()).toEqual(
      [...syntactic, ...floating.map((line) => `typescript/${line}`)].toSorted(),
    )
  },
)

test('the configuration for oxlint has the same rules as those for ESLint', async () => {
  const text = await readFile(new URL('../oxlint.json', import.meta.url), 'utf8')
  expect(JSON.parse(text)).toEqual({
    jsPlugins: ['./dist/index.js'],
    rules: {
      ...plugin.configs.recommended.rules,
      'typescript/no-floating-promises': ['error', floatingFutures],
    },
  })
})
