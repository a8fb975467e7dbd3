import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { createSubprocessExec, DEVNULL } from '@tasktree/subprocess'
import { run as runLoop, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import { testWhere } from '../../../vitest.skips.ts'
import { running } from './support/system.ts'

const program = `${import.meta.dirname}/fixtures/parent.ts`

interface Parent {
  parent: ChildProcess
  lines: Interface
  /** The first line of the parent: what its child printed, and the process id of the child. */
  first: string
  exit: Promise<unknown[]>
}

async function startParent(how: string, script: string): Promise<Parent> {
  const args = ['--conditions=@tasktree/source', program, how, script]
  const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const exit = once(parent, 'exit')
  const lines = createInterface({ input: parent.stdout })
  const [first] = (await once(lines, 'line')) as [string]
  return { parent, lines, first, exit }
}

async function gone(text: string): Promise<void> {
  while (running(text).length > 0) await sleep(10)
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
  'a parent that gets %s ends its children, and then dies of the signal',
  async (signal) => {
    const { parent, exit } = await startParent('plain', 'echo ready; sleep 6161 & wait')
    expect(running('sleep 6161')).not.toEqual([])
    parent.kill(signal)
    expect(await exit).toEqual([null, signal])
    expect(running('sleep 6161')).toEqual([])
  },
)

const container = ['-Urpf', '--mount-proc']
const testInContainer = testWhere(
  spawnSync('unshare', [...container, 'true']).status === 0,
  'this user may not make a namespace of processes',
)

testInContainer('the first process of a container exits after its children', async () => {
  // A signal is dropped as long as process 1 does not listen to it, so the child sends more than one.
  const script = 'echo ready; while :; do kill -TERM 1; sleep 0.01; done'
  const args = [process.execPath, '--conditions=@tasktree/source', program, 'plain', script]
  const parent = spawn('unshare', [...container, ...args], { stdio: 'ignore' })
  expect(await once(parent, 'exit')).toEqual([143, null])
})

test('a child that ignores SIGTERM is killed before its parent dies of SIGTERM', async () => {
  const deaf = 'trap "" TERM; echo ready; while :; do sleep 0.0162; done'
  const { parent, exit } = await startParent('plain', deaf)
  parent.kill('SIGTERM')
  expect(await exit).toEqual([null, 'SIGTERM'])
  expect(running('sleep 0.0162')).toEqual([])
})

test.each(['SIGTERM', 'SIGQUIT'] as const)(
  'a parent that gets %s twice dies at once, and its children with it',
  async (signal) => {
    const deaf = 'trap "" TERM INT QUIT; echo ready; while :; do sleep 0.0163; done'
    const { parent, exit } = await startParent('plain', deaf)
    parent.kill(signal)
    // The second signal may come at any time. After 20 ms the parent has most likely handled the first one.
    await sleep(20)
    parent.kill(signal)
    expect(await exit).toEqual([null, signal])
    await gone('sleep 0.0163')
  },
)

test.each([
  ['exit', [7, null]],
  ['throw', [1, null]],
])('a parent that ends by %s ends its children', async (how, outcome) => {
  const { exit } = await startParent(how, `echo ready; sleep 6164 & wait`)
  expect(await exit).toEqual(outcome)
  await gone('sleep 6164')
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s to a parent under run() cancels the main task, which ends the children',
  async (signal) => {
    const { parent, exit } = await startParent('run', 'echo ready; sleep 6165 & wait')
    parent.kill(signal)
    const [code] = await exit
    expect(code).not.toBe(0)
    await gone('sleep 6165')
  },
)

test('SIGINT to a parent is passed on to a child in its own group, as a terminal does', async () => {
  const script = 'trap "echo interrupted; exit" INT; echo ready; while :; do sleep 0.01; done'
  const { parent, lines, exit } = await startParent('echo', script)
  const said = once(lines, 'line')
  parent.kill('SIGINT')
  expect(await said).toEqual(['interrupted'])
  expect(await exit).toEqual([null, 'SIGINT'])
})

test.each(['SIGTERM', 'SIGQUIT'] as const)(
  '%s to a parent with its own listener for the signal leaves the children',
  async (signal) => {
    const script = 'echo ready; exec sleep 6166'
    const { parent, lines, first, exit } = await startParent('handler', script)
    const said = once(lines, 'line')
    parent.kill(signal)
    expect(await said).toEqual(['own handler'])
    expect(running('sleep 6166')).toHaveLength(1)
    // The parent ends as soon as its child has ended.
    process.kill(Number(first.split(' ')[1]))
    expect(await exit).toEqual([0, null])
  },
)

test('SIGQUIT to a parent under run() ends the children, and then the parent dies of SIGQUIT', async () => {
  const { parent, exit } = await startParent('run', 'echo ready; exec sleep 6169')
  parent.kill('SIGQUIT')
  expect(await exit).toEqual([null, 'SIGQUIT'])
  expect(running('sleep 6169')).toEqual([])
  const control = spawn(process.execPath, [
    '-e',
    'process.kill(process.pid, "SIGQUIT"); setInterval(() => {}, 9)',
  ])
  expect(await once(control, 'exit')).toEqual([null, 'SIGQUIT'])
})

test('a managed process ends with its parent', async () => {
  const { parent, exit } = await startParent('managed', 'echo ready; exec sleep 6167')
  parent.kill('SIGTERM')
  expect(await exit).toEqual([null, 'SIGTERM'])
  await gone('sleep 6167')
})

test('a child that is started while its parent ends its children is ended too', async () => {
  const { parent, exit } = await startParent('restarting', 'echo ready; exec sleep 6168')
  parent.kill('SIGTERM')
  expect(await exit).toEqual([null, 'SIGTERM'])
  expect(running('sleep 6168')).toEqual([])
})

/** Returns a script that ignores SIGINT, SIGTERM and SIGHUP. */
const stubborn = (sleep: string): string => `trap "" INT TERM HUP; echo ready; exec sleep ${sleep}`

test.each([
  ['SIGINT', 'SIGINT', [130, null]],
  ['SIGTERM', 'SIGTERM', [143, null]],
  ['SIGINT', 'SIGTERM', [143, null]],
  ['SIGTERM', 'SIGINT', [130, null]],
] as const)(
  '%s and then %s to a parent under run() kill a child that ignores SIGTERM before the parent exits',
  async (first, second, outcome) => {
    const { parent, exit } = await startParent('patient run', stubborn('61.71'))
    parent.kill(first)
    await sleep(150)
    parent.kill(second)
    expect(await exit).toEqual(outcome)
    expect(running('sleep 61.71')).toEqual([])
  },
)

test('a second signal to a parent kills the members of a group whose leader has ended', async () => {
  const script = '(trap "" INT TERM; exec sleep 61.72) & sleep 0.1; echo ready; wait'
  const { parent, exit } = await startParent('patient run', script)
  parent.kill('SIGTERM')
  await sleep(150)
  expect(running('sleep 61.72')).toHaveLength(1)
  parent.kill('SIGTERM')
  expect(await exit).toEqual([143, null])
  expect(running('sleep 61.72')).toEqual([])
})

test('a parent that exits itself at a second signal leaves no child that ignores SIGTERM', async () => {
  const { parent, exit } = await startParent('patient impatient handler', stubborn('61.73'))
  parent.kill('SIGINT')
  await sleep(100)
  parent.kill('SIGINT')
  expect(await exit).toEqual([3, null])
  expect(running('sleep 61.73')).toEqual([])
})

test('a listener that is added after SIGTERM does not keep the parent alive', async () => {
  const script =
    'trap "echo ending; sleep 0.1; exit" TERM; echo ready; while :; do sleep 0.01; done'
  const { parent, lines, exit } = await startParent('late handler', script)
  const said: string[] = []
  lines.on('line', (line) => said.push(line))
  parent.kill('SIGTERM')
  expect(await exit).toEqual([null, 'SIGTERM'])
  expect(said).not.toContain('own handler')
})

test.each(['exit', 'patient exit'])(
  'process.exit waits for a child that ignores SIGTERM until killGrace, and then kills it: %s',
  async (how) => {
    const { exit } = await startParent(how, stubborn('61.74'))
    expect(await exit).toEqual([7, null])
    expect(running('sleep 61.74')).toEqual([])
  },
)

test('process.exit lets a child clean up', async () => {
  const script =
    'trap "sleep 0.1; echo cleaned >&3; exit" TERM; echo ready; while :; do sleep 0.01; done'
  const folder = mkdtempSync(join(tmpdir(), 'parent-'))
  const path = join(folder, 'said')
  try {
    const { exit } = await startParent('patient exit', `exec 3>${path}; ${script}`)
    expect(await exit).toEqual([7, null])
    expect(readFileSync(path, 'utf8')).toBe('cleaned\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('signal and exit listeners are on process only while there are children', () =>
  runLoop(
    async () => {
      const count = (): number[] =>
        ['exit', 'SIGINT', 'SIGTERM', 'SIGHUP'].map((name) => process.listenerCount(name))
      const before = count()
      const start = (): ReturnType<typeof createSubprocessExec> =>
        createSubprocessExec('sleep', ['60'], { stdin: DEVNULL })
      const [one, two] = await Promise.all([start(), start()])
      expect(count()).toEqual(before.map((n) => n + 1))
      await one[Symbol.asyncDispose]()
      await two[Symbol.asyncDispose]()
      expect(count()).toEqual(before)
    },
    { handleSignals: false },
  ))
