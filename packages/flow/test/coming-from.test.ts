import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const page = new URL('../../../docs/coming-from-promise-helpers.md', import.meta.url)
const text = await readFile(page, 'utf8')
const programs = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string)
const expected = [
  'https://sindresorhus.example/ https://avajs.example/ https://github.example/',
  'post 1\npost 2\npost 3',
  'page after 5 ms\npage after 30 ms\npage after 60 ms',
  'https://avajs.example/ https://github.example/',
  '3',
  'CancelledError',
  '2 4 6 after 2000 ms',
  'foo bar',
  '2 4 6\n1 2',
  'Done: sindresorhus.com\nDone: avajs.dev',
  'TimeoutError\ntook 10 ms',
  'whale\nunicorn\ncrab',
  '1000 ms',
  'status 404',
  'Attempt 1 failed: 503 at attempt 1\nAttempt 2 failed: 503 at attempt 2\nok',
  'text of https://unicorn.example',
  'User clicked cancel button',
  'true',
  'late, but there\ntrue',
  'a long',
  'failed: down\nservice unavailable\nopen',
  'info from the database',
]

test('every program of the page is run here', () => {
  expect(programs).toHaveLength(expected.length)
})

test.each(programs.map((program, i) => [program, expected[i]]))(
  '%#: runs as it says',
  { tags: ['slow'] },
  async (program, output) => {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@tasktree/source', '--input-type=module-typescript', '--eval', program],
      { cwd: import.meta.dirname },
    )
    expect(stderr).toBe('')
    expect(stdout.trimEnd()).toBe(output)
  },
)
