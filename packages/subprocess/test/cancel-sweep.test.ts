// Cancels each operation after 0, 1, 2, … turns of the loop. The operation must leave nothing behind.
import { createTask, run as runLoop, sleep, type Task, timeout, wait } from '@tasktree/core'
import {
  $,
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  ManagedProcess,
  PIPE,
  type Process,
  run,
  STDOUT,
} from '@tasktree/subprocess'
import { expect, test } from 'vitest'
import { children, pipes, running } from './support/system.ts'

const TURNS = 24
/** Waits for the next moment of a cancel. The first 14 moments are one turn apart. Later ones are 3 ms apart. */
const turn = (i: number): Promise<void> => sleep(i < 14 ? 0 : 3)

async function settled(count: () => number, expected: number): Promise<void> {
  for (let i = 0; i < 200 && count() > expected; i++) await sleep(10)
  expect(count()).toBe(expected)
}

async function sweep(begin: () => Promise<unknown>): Promise<void> {
  await run('true')
  const before = pipes()
  for (let turns = 0; turns < TURNS; turns++) {
    const task: Task = createTask(begin)
    for (let i = 0; i < turns; i++) await turn(i)
    task.cancel()
    await wait([task])
    if (!task.cancelled()) task.result()
  }
  await settled(() => children().length, 0)
  await settled(pipes, before)
}

const managed = (script: string): ManagedProcess =>
  new ManagedProcess('sh', ['-c', script], { ready: /ready/, restart: 'always', killGrace: 500 })

test.each<[string, () => Promise<unknown>]>([
  ['run', () => run('sh', ['-c', 'echo a; sleep 0.02; echo b'])],
  ['run with input', () => run('cat', [], { input: Buffer.alloc(500_000) })],
  ['run with one output', () => run('sh', ['-c', 'echo a; sleep 60'], { stderr: STDOUT })],
  ['run in the foreground', () => run('sleep', ['60'], { stdio: 'inherit' })],
  ['a command', async () => $`sleep 60`],
  ['a pipe', async () => $`yes`.pipe($`cat`).pipe($`wc -c`)],
  ['text', () => $`sleep 60`.text()],
  [
    'lines',
    async () => {
      for await (const _ of $`yes`.pipe($`cat`).lines()) await sleep(0)
    },
  ],
  [
    'the lines of both outputs',
    async () => {
      for await (const _ of $`sh -c ${'yes & yes >&2'}`) await sleep(0)
    },
  ],
  [
    'wait with a timeout',
    async () => {
      const child = await createSubprocessExec('sleep', ['60'], { stdin: DEVNULL })
      await child.wait({ timeout: 60_000 })
    },
  ],
  [
    'communicate in a scope of its own, again and again',
    async () => {
      const options = { stdin: DEVNULL, stdout: PIPE } as const
      const child = await createSubprocessShell('while :; do echo x; sleep 0.0131; done', options)
      for (;;)
        await timeout(2, () => child.communicate()).catch((error: unknown) => {
          if ((error as Error).name !== 'TimeoutError') throw error
        })
    },
  ],
])(
  'a cancel in any turn leaves no child process: %s',
  { tags: ['slow'], timeout: 60_000 },
  (_, begin) => runLoop(() => sweep(begin)),
)

test(
  'a start of a managed process that is cancelled in any turn leaves the process stopped',
  { timeout: 60_000 },
  () =>
    runLoop(async () => {
      for (let turns = 0; turns < TURNS; turns++) {
        const helper = managed('sleep 0.03; echo ready; exec sleep 60')
        const task = createTask(() => helper.start())
        for (let i = 0; i < turns; i++) await turn(i)
        task.cancel()
        await wait([task])
        if (task.cancelled()) expect(['idle', 'stopped']).toContain(helper.state)
        else await helper.stop()
        expect(helper.pid).toBeNull()
      }
      expect(children()).toEqual([])
    }),
)

test(
  'a restart of a managed process that is cancelled in any turn leaves it stopped or running',
  { timeout: 60_000 },
  () =>
    runLoop(async () => {
      await using helper = managed('echo ready; exec sleep 60')
      await helper.start()
      for (let turns = 0; turns < TURNS; turns++) {
        const task = createTask(() => helper.restart())
        for (let i = 0; i < turns; i++) await turn(i)
        task.cancel()
        await wait([task])
        expect(['stopped', 'running']).toContain(helper.state)
        expect(children()).toHaveLength(helper.state === 'running' ? 1 : 0)
        if (helper.state === 'stopped') await helper.start()
      }
    }),
)

test('a managed process ends although its stop is cancelled in any turn', { timeout: 60_000 }, () =>
  runLoop(async () => {
    for (let turns = 0; turns < TURNS; turns += 2) {
      const helper = managed('echo ready; exec sleep 60')
      await helper.start()
      const task = createTask(() => helper.stop())
      for (let i = 0; i < turns; i++) await turn(i)
      task.cancel()
      await wait([task])
      if (turns > 0) expect([helper.state, helper.pid]).toEqual(['stopped', null])
      await helper[Symbol.asyncDispose]()
    }
    expect(children()).toEqual([])
  }),
)

test(
  'a cancel in any turn of the end of an `await using` scope does not stop the killing of a deaf child',
  { timeout: 60_000 },
  () =>
    runLoop(async () => {
      for (let turns = 0; turns < TURNS; turns += 2) {
        const started: Process[] = []
        const task = createTask(async () => {
          await using child = await createSubprocessShell(
            '(trap "" TERM; exec sleep 48.48) & echo ready; wait',
            { stdin: DEVNULL, stdout: PIPE, killGrace: 40 },
          )
          started.push(child)
          await child.stdout?.readLine()
        })
        while (started.length === 0) await sleep(1)
        for (let i = 0; i < turns; i++) await turn(i)
        task.cancel()
        task.cancel()
        await wait([task])
        expect(running('sleep 48.48')).toEqual([])
      }
    }),
)
