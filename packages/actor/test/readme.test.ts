import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const programs = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string)
const expected = [
  "42\n{ kind: 'shutdown' }\n",
  'a price is not negative\nActorCrashed\nsold for 1 by incarnation 2\n',
  [
    '1',
    'app  rest-for-one  running',
    '├─ store  actor  running',
    '├─ pool  resource  running',
    '├─ workers  dynamic  running',
    '│  └─ w1  actor  running',
    '└─ heartbeat  task  running  waits for Sleep',
    '',
  ].join('\n'),
  '1\n',
]

test('every program of the README is run here', () => {
  expect(programs).toHaveLength(expected.length)
})

test.each(programs.map((program, i) => [program, expected[i]]))(
  '%#: runs as it says',
  { tags: ['slow'] },
  async (program, output) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@tasktree/source', '--input-type=module-typescript', '--eval', program],
      { cwd: import.meta.dirname },
    )
    expect(stdout).toBe(output)
  },
)
