import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const programs = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string)
const expected = ['0 hello\nbanana\napple pie\n\n', 'running 0\n']

test('every program of the README is run here', () => {
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
