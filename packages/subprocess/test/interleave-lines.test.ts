import { createTask, run as runLoop, sleep, wait } from '@tasktree/core'
import { LimitOverrunError } from '@tasktree/streams'
import { $, type Command, FileNotFoundError, type OutputLine, STDOUT } from '@tasktree/subprocess'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Gates } from './support/gates.ts'
import { children, running } from './support/system.ts'

async function texts(lines: AsyncIterable<string | OutputLine>): Promise<string[]> {
  const all: string[] = []
  for await (const line of lines) all.push(String(line))
  return all
}

async function collect(lines: AsyncIterable<OutputLine>): Promise<string[]> {
  const all: string[] = []
  for await (const { from, text } of lines) all.push(`${from}: ${text}`)
  return all
}

test("a loop over a command gives the lines of both outputs as they are written, with the output's name", async () => {
  using gates = new Gates()
  const script = [
    'echo one',
    gates.passing('one'),
    'echo two >&2',
    gates.passing('two'),
    'echo three',
    gates.passing('three'),
    'printf last >&2',
  ].join('; ')
  const lines: string[] = []
  for await (const { from, text } of $`sh -c ${script}`) {
    lines.push(`${from}: ${text}`)
    // The script writes the next line only after this gate is open.
    gates.open(text)
  }
  expect(lines).toEqual(['stdout: one', 'stderr: two', 'stdout: three', 'stderr: last'])
})

test('a line of a loop over a command converts to its text', async () => {
  expect(await texts($`echo ${'a  b'}`)).toEqual(['a  b'])
})

test('a loop over a command gives the parts of a progress bar as they are drawn', async () => {
  using gates = new Gates()
  const script = [
    String.raw`printf '10%%\r'`,
    gates.passing('10%'),
    String.raw`printf '50%%\r'`,
    gates.passing('50%'),
    String.raw`printf '100%%\r'; printf '\ndone\r\n'`,
  ].join('; ')
  const drawn: string[] = []
  for await (const { text } of $`sh -c ${script}`) {
    drawn.push(text)
    gates.open(text)
  }
  expect(drawn).toEqual(['10%', '50%', '100%', 'done'])
})

test('a loop over a command gives the right lines, however the text is split into chunks', async () => {
  const pieces = fc.sample(fc.constantFrom('a', 'ü', '€', '😀', '\n', '\r', '\r\n'), 3_000)
  const whole = `${pieces.join('')}end`
  // The child writes each byte by itself, so that every character and every line ending may be split.
  const code = 'import os, sys\nfor b in sys.stdin.buffer.read(): os.write(1, bytes([b]))'
  const lines = await collect($({ input: whole })`python3 -c ${code}`)
  expect(lines).toEqual(whole.split(/\r\n|\n|\r/).map((line) => `stdout: ${line}`))
})

test('a loop over a command throws its failure with the text of stderr after the last line', async () => {
  const lines: string[] = []
  const read = async (): Promise<void> => {
    for await (const line of $`sh -c ${'echo a; echo why >&2; exit 3'}`) lines.push(line.text)
  }
  await expect(read()).rejects.toThrow('exited with 3: why')
  expect(lines.toSorted()).toEqual(['a', 'why'])
  await expect(collect($`no-such-program`)).rejects.toBeInstanceOf(FileNotFoundError)
})

test('a loop over a command gives megabytes of both outputs whole', async () => {
  const script = 'seq 100000; seq 100000 >&2'
  const sums = { stdout: 0, stderr: 0 }
  for await (const { from, text } of $`sh -c ${script}`) sums[from] += Number(text)
  expect(sums).toEqual({ stdout: 5_000_050_000, stderr: 5_000_050_000 })
})

test('a loop over a pipe gives both outputs of the last command, and with STDOUT one output', async () => {
  const script = 'read line; echo $line; echo said >&2'
  const piped = await collect($`echo in`.pipe($`sh -c ${script}`))
  expect(piped.toSorted()).toEqual(['stderr: said', 'stdout: in'])
  const merged = $({ stderr: STDOUT })`sh -c ${'echo a; echo b >&2'}`
  expect(await collect(merged)).toEqual(['stdout: a', 'stdout: b'])
})

test('a loop over an endless command pauses the command, and leaving the loop ends it', async () => {
  let seen = 0
  const before = process.memoryUsage().rss
  for await (const { text } of $`sh -c ${`yes ${'x'.repeat(1_000)} >&2`}`) {
    expect(text).toHaveLength(1_000)
    if (seen++ < 20) await sleep(10)
    if (seen === 10_000) break
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000)
  expect(children()).toEqual([])
})

test('a loop over a command throws for a line over the limit, and ends the command', async () => {
  const read = collect($({ limit: 1_000 })`sh -c ${'head -c 5000 /dev/zero >&2; exec sleep 60'}`)
  await expect(read).rejects.toBeInstanceOf(LimitOverrunError)
  expect(children()).toEqual([])
})

test.each([
  ['all at once', ['cat']],
  ['byte by byte', ['dd', 'bs=1', 'status=none']],
])(
  'the line limit counts bytes in loops over a command and over lines(), with text written %s',
  async (_, program) => {
    const euros = '€'.repeat(100)
    const loops = (input: string): Promise<PromiseSettledResult<string[]>[]> => {
      const command = (): Command => $({ input, limit: 300 })`${program}`
      return Promise.allSettled([texts(command().lines()), texts(command())])
    }
    const lines = { status: 'fulfilled', value: [euros, euros] }
    expect(await loops(`${euros}\n${euros}`)).toEqual([lines, lines])
    const refusal = {
      status: 'rejected',
      reason: expect.any(LimitOverrunError) as LimitOverrunError,
    }
    expect(await loops(`first\n${euros}a\n`)).toEqual([refusal, refusal])
    expect(await loops(`${euros}a`)).toEqual([refusal, refusal])
  },
)

test('a loop over a command replaces bytes that are not UTF-8, wherever a chunk ends', async () => {
  const input = Buffer.from('ff e2820a e282ac c3'.replaceAll(' ', ''), 'hex')
  const lines = await collect($({ input })`dd bs=1 status=none`)
  expect(lines).toEqual(['stdout: \ufffd\ufffd', 'stdout: €\ufffd'])
})

test('a cancel at any time of a loop over a command leaves no child', () =>
  runLoop(async () => {
    for (let turns = 0; turns < 16; turns++) {
      const script = 'echo a; echo b >&2; exec sleep 47.47'
      const task = createTask(() => collect($`sh -c ${script}`))
      for (let i = 0; i < turns; i++) await sleep(i < 8 ? 0 : 2)
      task.cancel()
      await wait([task])
      expect(task.cancelled()).toBe(true)
    }
    expect(running('sleep 47.47')).toEqual([])
    expect(children()).toEqual([])
  }))
