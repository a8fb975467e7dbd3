// Tests `stdio: 'inherit'`: the child has the terminal, and Ctrl-C is only for the child.
import { $, createSubprocessExec, run } from '@tasktree/subprocess'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { running } from './support/system.ts'

const fixture = (name: string): string => `${import.meta.dirname}/fixtures/${name}`
const program = ['--conditions=@tasktree/source', fixture('foreground.ts')]

/** Runs a program in a terminal and types `keys`, each when the text `after` was shown. Returns the lines on the terminal. */
async function inTerminal(
  args: readonly string[],
  keys: readonly (readonly [after: string, key: string])[],
): Promise<string[]> {
  const input = keys.map(([after, key]) => `${after}\t${key}\n`).join('')
  const { stdout, stderr } = await run(
    'python3',
    [fixture('terminal.py'), process.execPath, ...program, ...args],
    { input, encoding: 'utf8', check: true },
  )
  expect(stderr).toBe('')
  return stdout.replaceAll('^C', '').replaceAll('^\\', '').trim().split('\n')
}

const CTRL_C = String.raw`\x03`
const CTRL_BACKSLASH = String.raw`\x1c`
/** A script that prints each Ctrl-C that it gets, and ends at the second one. */
const listening =
  'n=0; trap "n=\\$((n+1)); echo heard \\$n" INT; echo ready; while [ $n -lt 2 ]; do sleep 0.0191; done; exit 5'

test(
  'a child with the terminal reads from it, and Ctrl-C goes only to the child, under run()',
  { tags: ['slow'] },
  async () => {
    const script = `read line; echo "got $line"; ${listening}`
    const lines = await inTerminal(
      ['run', script],
      [
        ['', String.raw`hello\n`],
        ['ready', CTRL_C],
        ['heard 1', CTRL_C],
        ['waiting', CTRL_C],
      ],
    )
    expect(lines).toEqual([
      'hello',
      'got hello',
      'ready',
      'heard 1',
      'heard 2',
      'ended 5',
      'listeners 1 0',
      'waiting',
      'run ended by KeyboardInterrupt',
      'status 0',
    ])
  },
)

test('the program goes on after a child in its terminal that Ctrl-C has ended, without run()', async () => {
  const lines = await inTerminal(['plain', 'echo ready; exec sleep 60'], [['ready', CTRL_C]])
  expect(lines).toEqual(['ready', 'ended -2', 'status 0'])
})

test('Ctrl-\\ goes only to the child that has the terminal', async () => {
  const script = 'trap "echo quit; exit 6" QUIT; echo ready; while :; do sleep 0.0192; done'
  const lines = await inTerminal(
    ['run', script],
    [
      ['ready', CTRL_BACKSLASH],
      ['waiting', CTRL_C],
    ],
  )
  // The shell prints "Quit" for its own child, so that line is left out.
  expect(lines.filter((line) => line !== 'Quit').slice(0, 3)).toEqual(['ready', 'quit', 'ended 6'])
})

test('SIGINT listeners of the program hear no Ctrl-C while a child has the terminal, and hear it afterwards', async () => {
  const lines = await inTerminal(
    ['handler', listening],
    [
      ['ready', CTRL_C],
      ['heard 1', CTRL_C],
      ['listeners', CTRL_C],
    ],
  )
  expect(lines).toEqual([
    'ready',
    'heard 1',
    'heard 2',
    'ended 5',
    'listeners 2 0',
    'own handler',
    'once',
    'status 0',
  ])
})

test(
  'the Ctrl-C that ends a child in the terminal does not reach the program after the end of the child',
  { tags: ['slow'] },
  async () => {
    // Node may report the end of the child before the SIGINT that the terminal sent to both of them.
    const key = `${CTRL_C}\t100`
    const lines = await inTerminal(['many'], [['ready', key]])
    expect(lines.filter((line) => line !== 'ready')).toEqual(['done', 'status 0'])
  },
)

test('of two children with the terminal the last to end gives the terminal back to the program', async () => {
  const lines = await inTerminal(['two', 'echo ready'], [])
  expect(lines.slice(-2)).toEqual(['listeners 0 0', 'status 0'])
})

test("without a terminal a SIGINT to the program is passed on once to a child with stdio: 'inherit'", async () => {
  const parent = spawn(process.execPath, [...program, 'run', listening], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: parent.stdout })
  const heard: string[] = []
  for await (const line of lines) {
    heard.push(line)
    if (line === 'ready' || line === 'heard 1' || line === 'waiting') parent.kill('SIGINT')
  }
  expect(heard).toEqual([
    'ready',
    'heard 1',
    'heard 2',
    'ended 5',
    'listeners 1 0',
    'waiting',
    'run ended by KeyboardInterrupt',
  ])
})

test("without a terminal a SIGQUIT to the program is passed on once to a child with stdio: 'inherit'", async () => {
  // The child is a program of Node, because a shell cannot trap a signal that its parent ignores. A background job has such a parent.
  const child = `process.on("SIGQUIT", () => { console.log("quit"); process.exit(6) }); setInterval(() => {}, 1000); console.log("ready")`
  const script = `exec '${process.execPath}' -e '${child}'`
  const parent = spawn(process.execPath, [...program, 'run', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const heard: string[] = []
  for await (const line of createInterface({ input: parent.stdout })) {
    heard.push(line)
    if (line === 'ready') parent.kill('SIGQUIT')
    if (line === 'waiting') parent.kill('SIGINT')
  }
  expect(heard.slice(0, 3)).toEqual(['ready', 'quit', 'ended 6'])
})

test('SIGTERM ends the program and its child in the terminal', async () => {
  const parent = spawn(process.execPath, [...program, 'run', 'echo ready; exec sleep 63.63'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(parent, 'exit')
  await once(parent.stdout, 'data')
  parent.kill('SIGTERM')
  expect(await exit).toEqual([0, null])
  expect(running('sleep 63.63')).toEqual([])
})

test("stdio: 'inherit' captures no output, and is refused together with stdout, stderr or input", async () => {
  expect(await $({ stdio: 'inherit' })`true`).toMatchObject({
    returncode: 0,
    stdout: Buffer.alloc(0),
  })
  await using child = await createSubprocessExec('true', [], { stdio: 'inherit' })
  expect([child.stdin, child.stdout, child.stderr]).toEqual([null, null, null])
  expect(() => run('true', [], { stdio: 'inherit', stdout: 'ignore' })).toThrow(TypeError)
  expect(() => run('true', [], { stdio: 'inherit', input: 'x' })).toThrow(TypeError)
  expect(() => run('true', [], { stdio: 'pipe' as never })).toThrow(
    new TypeError("stdio must be 'inherit', got string pipe"),
  )
})
