// Tests a command that fails, and that the program has forgotten to await.
import { run } from '@tasktree/subprocess'
import { expect, test } from 'vitest'

const imports = [
  "import { $, run } from '@tasktree/subprocess'",
  "import { createTask, getEventLoop, run as runLoop, sleep } from '@tasktree/core'",
].join('\n')

async function execute(program: string): Promise<[code: number, stdout: string, stderr: string]> {
  const args = ['--conditions=@tasktree/source', '--expose-gc', '--input-type=module', '--eval']
  const { returncode, stdout, stderr } = await run(
    process.execPath,
    [...args, `${imports}\n${program}`],
    { cwd: import.meta.dirname, encoding: 'utf8' },
  )
  return [returncode, stdout, stderr]
}

const reported = '$ no-such-program has failed, and was never awaited'
const settle = 'await new Promise((resolve) => setTimeout(resolve, 150))'

test.each([
  ['in plain code', '$`no-such-program`'],
  ['under run', 'await runLoop(async () => { $`no-such-program`; await sleep(150) })'],
  [
    'in a task that ends before',
    'await runLoop(async () => { await createTask(async () => { $`no-such-program` }); await sleep(150) })',
  ],
  ['when the program calls process.exit(0)', `$\`no-such-program\`; ${settle}; process.exit(0)`],
  [
    'when it is collected',
    `$\`no-such-program\`; ${settle}; for (let i = 0; i < 20; i++) { gc(); await new Promise((r) => setTimeout(r, 10)) }`,
  ],
  ['as the end of a pipe', '$`echo`.pipe($`no-such-program`)'],
])(
  'a failed command that no code awaits is reported, and the exit code is 1: %s',
  async (_, program) => {
    const [code, , stderr] = await execute(program)
    expect(stderr).toContain(reported)
    expect(stderr).toContain('FileNotFoundError: no such program on PATH')
    expect(stderr.split(reported)).toHaveLength(2)
    expect(code).toBe(1)
  },
)

test.each([
  ['with check', '$({ check: true })`false`', '$ false has failed'],
  ['by its timeout', '$({ timeout: 20 })`sleep 60`', '$ sleep has failed'],
  ['by maxBuffer', '$({ maxBuffer: 5 })`yes`', '$ yes has failed'],
  ['as the source of a pipe', '$({ check: true })`false`.pipe($`cat`)', '$ cat has failed'],
])(
  'each kind of failure of a command that no code awaits is reported: %s',
  async (_, program, message) => {
    const [code, , stderr] = await execute(program)
    expect(stderr).toContain(message)
    expect(code).toBe(1)
  },
)

test.each([
  ['run()', "run('no-such-program')"],
  ['text()', '$`no-such-program`.text()'],
  ['then() with one callback', '$`no-such-program`.then(() => {})'],
  ['finally()', '$`no-such-program`.finally(() => {})'],
])(
  'an unhandled rejection of a promise made from a command ends the program: %s',
  async (_, program) => {
    const [code, , stderr] = await execute(program)
    expect(stderr).toContain('FileNotFoundError')
    expect(code).toBe(1)
  },
)

test.each([
  ['a code other than 0 without check', '$`false`'],
  [
    'a command that is awaited later',
    `const late = $\`no-such-program\`; ${settle}; await late.catch(() => {})`,
  ],
  ['a command whose failure is caught', '$`no-such-program`.catch(() => {})'],
  [
    'a command that the end of the run cancels',
    'await runLoop(async () => { $`sleep 60`; await sleep(50) })',
  ],
  ['a source whose pipe is awaited', 'await $`no-such-program`.pipe($`cat`).catch(() => {})'],
  ['lines that fail in their loop', 'try { for await (const _ of $`no-such-program`); } catch {}'],
])('nothing is reported for %s', async (_, program) => {
  expect(await execute(program)).toEqual([0, '', ''])
})

test('the exception handler of the loop gets a failed command that no code awaits, and keeps the exit code', async () => {
  const program = `
    getEventLoop().setExceptionHandler((_, { message }) => console.log(message))
    process.exitCode = 5
    $\`no-such-program\``
  expect(await execute(program)).toEqual([5, `${reported}\n`, ''])
})

test('each of two failed commands that no code awaits is reported', async () => {
  const [code, , stderr] = await execute('$`no-such-program`; $`no-such-other`')
  expect(stderr).toContain('no-such-program has failed')
  expect(stderr).toContain('no-such-other has failed')
  expect(code).toBe(1)
})

const failingSink = `
  import { createSubprocessExec } from '@tasktree/subprocess'
  import { StreamWriter } from '@tasktree/streams'
  import { Writable } from 'node:stream'
  const sink = new Writable({ write: (chunk, encoding, done) => done(new Error('disk full')) })
  const child = await createSubprocessExec('head', ['-c', '3000000', '/dev/zero'], { stdout: StreamWriter.to(sink), stderr: 'ignore' })`

test('an output that could not be copied is reported if no code waits for the process', async () => {
  const [code, , stderr] = await execute(failingSink)
  expect(stderr).toMatch(/^output of process \d+ has failed, and was never awaited/)
  expect(code).toBe(1)
})

test(
  'an output that could not be copied is not reported if wait or communicate throws its error',
  { timeout: 30_000 },
  async () => {
    for (const wait of ['wait', 'communicate']) {
      const late = 'await new Promise((resolve) => setTimeout(resolve, 100))'
      for (const before of ['', late]) {
        const program = `${failingSink}\n${before}\nawait child.${wait}().catch(() => console.log('told'))`
        expect(await execute(program)).toEqual([0, 'told\n', ''])
      }
    }
  },
)
