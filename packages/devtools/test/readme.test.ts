import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { app, start, tasktree } from './support.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const documented = [...readme.matchAll(/^\| `tasktree (.*?)` +\|/gm)].map(
  (match) => match[1] as string,
)

test('the README lists the commands of the program', { tags: ['slow'] }, async () => {
  const { out } = await tasktree(['--help'])
  const real = [...out.slice(out.indexOf('Commands:')).matchAll(/^ {2}([a-z]+) /gm)].map(
    (match) => match[1] as string,
  )
  const names = documented.map((command) => command.split(' ')[0])
  expect(names.toSorted()).toEqual(real.filter((name) => name !== 'help').toSorted())
})

// `top` does not end by itself. top.test.ts tests it.
test.each(documented.filter((command) => !command.startsWith('top ')))(
  'the command `tasktree %s` of the README works',
  { tags: ['slow'] },
  async (command) => {
    const folder = mkdtempSync(join(tmpdir(), 'tasktree-readme-'))
    try {
      const target = await start(app('calm.mjs'))
      const file = join(folder, 'trace.json')
      const values: Record<string, unknown> = { PID: target.pid, TASK: 'victim', FILE: file }
      const words = command.split(' ').map((word) => values[word] ?? word)
      if (command.startsWith('cancel ')) words.push('--yes')
      if (command.startsWith('record ')) words.push('--for', '0.2')
      const { code, out, error } = await tasktree(words)
      expect({ code, error }).toEqual({ code: 0, error: '' })
      expect(command.startsWith('record ') ? readFileSync(file, 'utf8') : out).toContain('victim')
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)
