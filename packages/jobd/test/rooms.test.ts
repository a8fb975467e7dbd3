import { readFile } from 'node:fs/promises'
import { globSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const source = fileURLToPath(new URL('../src', import.meta.url))

/** The folders as docs/design/jobd.md lists them: each uses only those before it. */
const rooms = 'jobs store scheduling protocol client log server dashboard tree cli'.split(' ')

test('a folder imports values only from folders before it', async () => {
  const page = await readFile(new URL('../../../docs/design/jobd.md', import.meta.url), 'utf8')
  const listed = [...page.matchAll(/^\| `(\w+)\/` /gm)].map((match) => match[1])
  expect(listed).toEqual(rooms)
  const against: string[] = []
  for (const file of globSync('**/*.ts', { cwd: source })) {
    const from = file.split(sep)[0] as string
    const text = await readFile(join(source, file), 'utf8')
    for (const [, clause = '', path = ''] of text.matchAll(
      /^(?:import|export) ([\s\S]*?) from '(\..*?)'/gm,
    )) {
      const to = relative(source, join(source, dirname(file), path)).split(sep)[0] as string
      const isValue = !clause.startsWith('type ') && !/^\{(\s*type \w+,?)+\s*\}$/.test(clause)
      if (isValue && rooms.includes(from) && rooms.indexOf(to) > rooms.indexOf(from))
        against.push(`${file} -> ${path}`)
    }
  }
  expect(against).toEqual([])
})
