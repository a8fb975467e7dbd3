import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { outputOf, programsOf } from '../../../vitest.programs.ts'
import { inFolder } from './support/folder.ts'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const program = programsOf(readme).join()

test('the program of the README prints its output', { tags: ['slow'] }, () =>
  inFolder(async (folder) => {
    const file = JSON.stringify(`${folder}/jobs.sqlite`)
    expect(program).toContain("'jobs.sqlite'")
    // A port that was free a moment ago.
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    taken.close()
    await once(taken, 'close')
    const here = program.replace("'jobs.sqlite'", file).replaceAll('7479', String(port))
    expect(await outputOf(here, import.meta.dirname)).toBe('running\n2026: 4053\n')
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
