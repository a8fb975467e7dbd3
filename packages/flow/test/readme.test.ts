import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const programs = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string)
const expected = [
  'done with a.example\ndone with b.example\ndone with c.example\ndone with slow.example\nTimeoutError\n',
  'the user left\n',
  '6 items\n',
  'the circuit is open\nCircuitOpenError after 3 calls\n',
  '3 users by 2 queries\na newer call has taken the place of this one\nresults for task\n',
  'tick 1\ntick 3\nready after 3\nhello\none\ntwo\n0 listeners are left\n',
]

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
