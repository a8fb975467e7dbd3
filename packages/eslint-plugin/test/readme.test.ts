import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ESLint } from 'eslint'
import { expect, onTestFinished, test } from 'vitest'
import { noNativeRace } from '../src/no-native-race.ts'
import { noSwallowedCancel } from '../src/no-swallowed-cancel.ts'

const home = new URL('../', import.meta.url)

const readme = await readFile(new URL('README.md', home), 'utf8')
const configs = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] as string)

test.each([0, 1])(
  'ESLint with configuration %i of the README reports the expected lines',
  { tags: ['slow'] },
  async (i) => {
    const app = await mkdtemp(join(tmpdir(), 'tasktree-readme-'))
    onTestFinished(() => rm(app, { recursive: true }))
    await symlink(
      fileURLToPath(new URL('node_modules', home)),
      join(app, 'node_modules'),
      'junction',
    )
    await writeFile(join(app, 'package.json'), '{ "type": "module" }')
    const importOfItself = new URL('dist/index.js', home).href
    const config = (configs[i] as string).replace('@tasktree/eslint-plugin', importOfItself)
    await writeFile(join(app, 'eslint.config.js'), config)
    const file = i === 0 ? 'main.js' : 'main.ts'
    if (i === 1) await writeFile(join(app, 'tsconfig.json'), '{ "include": ["main.ts"] }')
    await writeFile(
      join(app, file),
      `import { sleep } from '@tasktree/core'\nawait sleep(1).catch(() => null)\nsleep(1)\n`,
    )
    const [result] = await new ESLint({ cwd: app }).lintFiles([file])
    expect(result?.messages.map(({ ruleId, line }) => [ruleId, line])).toEqual([
      ['@tasktree/no-swallowed-cancel', 2],
      ...(i === 1 ? [['@typescript-eslint/no-floating-promises', 3]] : []),
    ])
  },
)

test('the README shows two configurations, and links a page for each rule', () => {
  expect(configs).toHaveLength(2)
  const pages = [...readme.matchAll(/\]\(docs\/(.*?)\.md\)/g)].map((match) => match[1])
  expect(pages).toEqual(['no-swallowed-cancel', 'no-native-race', 'floating-futures'])
})

test.each([
  ['no-swallowed-cancel', noSwallowedCancel],
  ['no-native-race', noNativeRace],
])(
  'the documentation page of %s has the name of the rule, and says whether it has suggestions',
  async (name, rule) => {
    const page = await readFile(new URL(`docs/${name}.md`, home), 'utf8')
    expect(page).toMatch(new RegExp(`^# ${name}\n`))
    expect(/suggestion/i.test(page)).toBe(rule.meta?.hasSuggestions === true)
  },
)
