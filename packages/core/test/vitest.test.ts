// Runs vitest on fixtures in which some tests fail on purpose, and checks its report.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'

const folder = fileURLToPath(new URL('./fixtures/vitest/', import.meta.url))

/** The result of each fixture test: its status, or the beginning of its error message. */
const report = new Map<string, string>()

beforeAll(async () => {
  const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
  const home = await mkdtemp(join(tmpdir(), 'tasktree-vitest-'))
  const file = join(home, 'report.json')
  const args = [vitest, 'run', '--reporter=json', `--outputFile=${file}`]
  const ended = promisify(execFile)(process.execPath, args, { cwd: folder })
  // Some tests fail on purpose, so vitest ends with code 1.
  await expect(ended).rejects.toMatchObject({ code: 1 })
  const { testResults } = JSON.parse(await readFile(file, 'utf8')) as {
    testResults: {
      assertionResults: { fullName: string; status: string; failureMessages: string[] }[]
    }[]
  }
  for (const { assertionResults } of testResults) {
    for (const { fullName, status, failureMessages } of assertionResults) {
      const [message] = failureMessages
      report.set(
        fullName,
        message === undefined ? status : (message.split(/\n\s+at /)[0] as string),
      )
    }
  }
  await rm(home, { recursive: true })
}, 60_000)

const left = (...lines: string[]): string => {
  const count = lines.length === 1 ? 'one thing' : `${lines.length} things`
  const list = lines.map((line) => `\n- ${line}`).join('')
  return `LeakError: the test has left ${count} behind; await, cancel or close it before the test ends:${list}`
}

test.each<[string, string | RegExp]>([
  ['virtual an hour takes no time', 'passed'],
  ['virtual the clock begins at start', 'passed'],
  ['virtual a deadlock', /^DeadlockError: /],
  ['virtual a failed assertion', /^AssertionError: expected 1 to be 2/],
  ['virtual a task is left', left('task "poller", which waits for its cancel')],
  [
    'virtual a call is not awaited',
    left('a call that nobody awaited, which waits for a timer, due in 50 ms'),
  ],
  ['virtual a task that may be left', 'passed'],
  ['virtual a task that is just ending', 'passed'],
  ['virtual a skipped test', 'skipped'],
  ['explore no update is lost', 'passed'],
  [
    'explore an update is lost',
    /^ScheduleError: the schedule of seed \d+ fails; replay it with \{ seed: \d+ \}. AssertionError/,
  ],
  [
    'explore a task is left under some schedule',
    /^ScheduleError: the schedule of seed 3 fails; .* LeakError: .*\n- task "left"/,
  ],
  ['plain leaves nothing', 'passed'],
  ['plain leaves a timer', left('a timer of callLater or callAt')],
  [
    'plain leaves a task, which the next tests are not blamed for',
    left('task "forgotten", which waits for its cancel'),
  ],
  ['plain leaves nothing either', 'passed'],
  ['plain fails by itself', /^Error: on its own/],
  ['leaves a task', left('task "by the own it of vitest", which waits for its cancel')],
  ['leaves nothing', 'passed'],
  ['an answer that takes an hour is given up', 'passed'],
  ['every order gives the same sum', 'passed'],
  ['leaves nothing behind', 'passed'],
])(
  'vitest reports the expected result for the fixture test: %s',
  { tags: ['slow'] },
  (name, expected) => {
    const said = report.get(name)
    if (typeof expected === 'string') expect(said).toBe(expected)
    else expect(said).toMatch(expected)
  },
)

test('vitest reports 22 fixture tests, as many as the table above lists', () => {
  expect(report.size).toBe(22)
})

test('the documentation page on tests shows the code of page.fixture.ts', () => {
  const page = readFileSync(new URL('../../../docs/how-to/testing.md', import.meta.url), 'utf8')
  const fixture = readFileSync(new URL('page.fixture.ts', pathToFileURL(folder)), 'utf8')
  // The page shows JavaScript without types, because users of JavaScript read it too.
  const shown = fixture.replace('(n: number): Promise<void> =>', '(n) =>')
  expect(page).toContain(`\`\`\`js\n${shown}\`\`\`\n`)
})
