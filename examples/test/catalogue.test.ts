import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { catalogue } from '../src/catalogue.ts'
import { runExample } from './support/example-run.ts'

function files(folder: string, extension: string): string[] {
  return readdirSync(new URL(`../${folder}`, import.meta.url))
    .filter((file) => file.endsWith(extension))
    .map((file) => file.slice(0, -extension.length))
    .toSorted()
}

function names(group: string): string[] {
  return catalogue
    .filter((example) => example.group === group)
    .map(({ name }) => name)
    .toSorted()
}

test.each(['asyncio', 'interop'])(
  'every file of src/%s is in the catalogue of examples exactly once',
  (group) => {
    expect(names(group)).toEqual(files(`src/${group}`, '.ts'))
  },
)

test('every name is in the catalogue of examples only once', () => {
  expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length)
})

test('every asyncio example has a Python original and its recorded output', () => {
  expect(files('python', '.py')).toEqual(names('asyncio'))
  expect(files('python', '.out')).toEqual(names('asyncio'))
})

test(
  'npm run example without a name lists each example in one line',
  { tags: ['slow'] },
  async () => {
    const { code, stdout, stderr } = await runExample([])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const { name, summary } of catalogue) {
      expect(stdout.split('\n').filter((line) => line.startsWith(`  ${name} `))).toEqual([
        expect.stringMatching(new RegExp(`  ${RegExp.escape(summary)}$`)),
      ])
    }
  },
)

test(
  'npm run example with an unknown name exits with code 2 and lists all examples',
  { tags: ['slow'] },
  async () => {
    const { code, stdout, stderr } = await runExample(['no-such'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('There is no example named no-such')
    for (const { name } of catalogue) expect(stderr).toContain(`  ${name} `)
  },
)

test('the examples run from the built packages', { tags: ['slow'] }, async () => {
  const built = ['hello-run', 'sync-primitives', 'to-thread', 'subprocess-shlex']
  for (const name of [...built, 'open-connection-timeout']) {
    const { code, stderr } = await runExample([name], { flags: [] })
    expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' })
  }
})
