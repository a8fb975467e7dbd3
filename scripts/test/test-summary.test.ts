// Runs vitest on fixtures that fail on purpose, and checks the summary that `npm test` would print for them.
import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { summarize, type TestCounts } from '../test-summary.mjs'

const fixtures = fileURLToPath(new URL('./fixtures/reporter/', import.meta.url))

const good: TestCounts = { passed: 3, failed: 0, skipped: 0, skips: [], failures: [] }
const ended = { tsc: 0, turbo: 0 }

test(
  'the summary of npm test lists the tests that were skipped and the tests that failed',
  { tags: ['slow'] },
  async () => {
    const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
    const running = promisify(execFile)(process.execPath, [vitest, 'run'], { cwd: fixtures })
    await expect(running).rejects.toMatchObject({ code: 1 })
    const file = join(fixtures, 'test-counts.json')
    const counts = JSON.parse(await readFile(file, 'utf8')) as TestCounts
    await rm(file)

    const packages = [
      { folder: 'packages/good', counts: good },
      { folder: 'packages/bad', counts },
    ]
    expect(summarize(packages, { ...ended, turbo: 1 })).toEqual({
      failed: 6,
      text: `
Skipped:
  packages/bad/kinds.fixture.ts > is skipped: no reason is given
  packages/bad/kinds.fixture.ts > is skipped with a reason: there is no printer

Failed:
  packages/bad/kinds.fixture.ts > a group > with a last hook (outside any test)
    Error: the last hook fails
    at kinds.fixture.ts:32
  packages/bad/kinds.fixture.ts > throws
    TypeError: line 1
    line 2
    line 3
    line 4
    line 5
    line 6
    at kinds.fixture.ts:12
  packages/bad/kinds.fixture.ts > a group > compares
    AssertionError: expected [ 1, 2 ] to deeply equal [ 1, 3 ]
    at kinds.fixture.ts:17
  packages/bad/kinds.fixture.ts > a group > with a hook > fails twice
    Error: the test fails
    at kinds.fixture.ts:26
    Error: the hook fails as well
    at kinds.fixture.ts:22
  packages/bad/module.fixture.ts (outside any test)
    Error: the module does not load
    at module.fixture.ts:1
  packages/bad/kinds.fixture.ts (outside any test)
    Error: nobody waits for this

6 passed, 6 failed, 2 skipped`,
    })
  },
)

test('the summary of npm test has only the total if nothing fails and nothing is skipped', () => {
  const packages = [{ folder: 'packages/good', counts: good }]
  expect(summarize(packages, ended)).toEqual({ failed: 0, text: '\n3 passed, 0 failed' })
})

test('the summary of npm test lists a failed type check of the root folder', () => {
  expect(summarize([], { tsc: 2, turbo: 0 })).toEqual({
    failed: 1,
    text: `
Failed:
  the type check of the root folder: its errors are the first output above

0 passed, 1 failed`,
  })
})

test('the summary of npm test lists a failed build if no test has failed', () => {
  const packages = [{ folder: 'packages/good', counts: good }]
  expect(summarize(packages, { ...ended, turbo: 1 })).toEqual({
    failed: 1,
    text: `
Failed:
  a build, a type check or a test run: turbo names it above

3 passed, 1 failed`,
  })
})
