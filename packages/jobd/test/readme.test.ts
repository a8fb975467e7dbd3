import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { inFolder } from './support/folder.ts'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const programs = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string)
const expected = ['hello\n']

test('every program of the README is run here', () => {
  expect(programs).toHaveLength(expected.length)
})

test.each(programs.map((program, i) => [program, expected[i]]))(
  '%#: runs as it says',
  { tags: ['slow'] },
  (program, output) =>
    inFolder(async (folder) => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [
          '--conditions=@tasktree/source',
          '--input-type=module-typescript',
          '--eval',
          program.replace("'jobs.sqlite'", JSON.stringify(`${folder}/jobs.sqlite`)),
        ],
        { cwd: import.meta.dirname },
      )
      expect(stdout).toBe(output)
    }),
)

test('the options of serve in the README are those of the program', async () => {
  const all = await readFile(new URL('../src/cli/server-subcommands.ts', import.meta.url), 'utf8')
  const section = readme.slice(
    readme.indexOf('### Options of `serve`'),
    readme.indexOf('## Commands of the protocol'),
  )
  const documented = [
    ...new Set([...section.matchAll(/(?<![\w-])(--[a-z]+(?:-[a-z]+)*)/g)].map((match) => match[1])),
  ]
  const serve = all.slice(all.indexOf(".command('serve')"), all.indexOf('serve(options)'))
  const real = [...new Set([...serve.matchAll(/'(--[a-z-]+)/g)].map((match) => match[1]))]
  expect(documented.toSorted()).toEqual(real.toSorted())
})
