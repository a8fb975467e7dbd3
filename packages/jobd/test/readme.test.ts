import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test, vi } from 'vitest'
import { outputOf, programsOf } from '../../../vitest.programs.ts'
import { makeProgram } from '../src/cli/program.ts'
import { inFolder } from './support/folder.ts'
import { inJobd } from './support/in-jobd.ts'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const program = programsOf(readme).join()

test('the program of the README prints the output that the README shows', { tags: ['slow'] }, () =>
  inFolder(async (folder) => {
    const file = JSON.stringify(`${folder}/jobs.sqlite`)
    expect(program).toContain("'jobs.sqlite'")
    // The test takes a free port and gives it back, so that the program of the README can use it.
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    taken.close()
    await once(taken, 'close')
    const here = program.replace("'jobs.sqlite'", file).replaceAll('7479', String(port))
    expect(await outputOf(here, import.meta.dirname)).toBe('running\n2026: 4053\n')
  }),
)

test('the README lists the options of `jobd serve`', async () => {
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

/** Returns the commands in the table of the README, each with its arguments and options. */
function documentedCommands(): string[] {
  const table = readme.slice(
    readme.indexOf('## The command line'),
    readme.indexOf('### Options of `serve`'),
  )
  return [...table.matchAll(/^\| (`.*?`) +\|/gm)]
    .flatMap((row) => [...(row[1] as string).matchAll(/`([^`]+)`/g)].map((match) => match[1]))
    .flatMap((command = '') => {
      const [first = '', choices = ''] = command.replaceAll('\\|', '|').split(' ', 2)
      if (!choices.includes('|')) return [command]
      return choices.split('|').map((choice) => `${first} ${choice}`)
    })
}

test('the README lists the commands of the program', () => {
  const names = documentedCommands().map((command) => command.split(' ')[0])
  const real = makeProgram().commands.map((command) => command.name())
  expect([...new Set(names)].toSorted()).toEqual(real.toSorted())
})

test('each command in the README does its work', () =>
  inJobd(
    async ({ jobd, file, add }) => {
      vi.spyOn(process.stdout, 'write').mockReturnValue(true)
      const long = await add('sleep', '600000')
      const done = long + 1
      const values: Record<string, string> = {
        KIND: 'sleep',
        PAYLOAD: '0',
        JOB: String(done),
        'KIND=LIMIT': 'sleep=2',
        NAME: 'nightly',
        TIMES: '0 3 * * *',
        PATH: '/jobd/metrics',
        FILE: file,
        TARGET: `${file}.copy`,
        BACKUP: `${file}.copy`,
      }
      /** Returns the further words that a command needs with the jobs and files of this test. */
      const beside = (name: string): string[] => {
        if (name === 'bulk') return ['--all']
        if (name === 'restore') return ['--db', `${file}.restored`]
        return name === 'backup' ? ['--db', file] : []
      }
      for (const command of documentedCommands()) {
        const [name = '', ...rest] = command.split(' ')
        // These two do not end by themselves.
        if (name === 'serve' || name === 'top') continue
        // Jobs that have ended cannot be cancelled.
        if (name === 'cancel' || name === 'retry') values['JOB'] = String(long)
        else values['JOB'] = String(done)
        const words = rest.map((word) => word.replace(/^\[(.*)\]$/, '$1'))
        const given = [name, ...words.map((word) => values[word] ?? word), ...beside(name)]
        const program = makeProgram()
        const takesPort = program.commands
          .find((each) => each.name() === name)
          ?.options.some(({ long: flag }) => flag === '--port')
        if (takesPort) given.push('--port', String(jobd.port))
        await program.parseAsync(given, { from: 'user' }).catch((error: unknown) => {
          throw new Error(`${given.join(' ')} has failed`, { cause: error })
        })
      }
    },
    { kinds: new URL('fixtures/kinds/kinds.ts', import.meta.url) },
  ))
