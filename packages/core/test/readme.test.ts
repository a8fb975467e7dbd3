import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const documents = ['../README.md', '../../../docs/testing.md'].map((path) =>
  readFile(new URL(path, import.meta.url), 'utf8'),
)
const text = (await Promise.all(documents)).join('\n')
const programs = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string)
const expected = [
  'cleaned up\ntrue\n',
  '3 7\n2\n',
  '{ schedules: 1000 }\n',
  'true\n',
  'ScheduleError\n',
]

test('every program of the README and of docs/testing.md is run here', () => {
  expect(programs).toHaveLength(expected.length)
})

test.each(programs.map((program, i) => [program, expected[i]]))(
  '%#: runs as it says',
  async (program, output) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@tasktree/source', '--input-type=module-typescript', '--eval', program],
      { cwd: import.meta.dirname },
    )
    expect(stdout).toBe(output)
  },
)
