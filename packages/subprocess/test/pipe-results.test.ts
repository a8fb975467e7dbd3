// Tests that each command of a pipe has a result, even if the pipe fails or is cancelled.
import { cancelScope, createTask, isCancelled, run as runLoop } from '@tasktree/core'
import { LimitOverrunError } from '@tasktree/streams'
import { $, type Command, FileNotFoundError } from '@tasktree/subprocess'
import { expect, test } from 'vitest'
import { children } from './support/system.ts'

const outcomes = (commands: readonly Command[]): Promise<(string | number)[]> =>
  Promise.all(
    commands.map((command) =>
      command.then<number, string>(
        ({ returncode }) => returncode,
        (error) => (error as Error).name,
      ),
    ),
  )

test('if the first command of a pipe cannot be started, all commands after it fail with its error', async () => {
  const [first, second, third] = [$`no-such-program`, $`cat`, $`cat`]
  first.pipe(second).pipe(third)
  expect(await outcomes([first, second, third])).toEqual(
    Array.from({ length: 3 }, () => 'FileNotFoundError'),
  )
  const [source, last] = [$`no-such-program`, $`cat`]
  const loop = async (lines: AsyncIterable<unknown>): Promise<void> => {
    for await (const _ of lines);
  }
  await expect(loop(source.pipe(last).lines())).rejects.toThrow(FileNotFoundError)
  expect(await outcomes([source, last])).toEqual(['FileNotFoundError', 'FileNotFoundError'])
  const [before, after] = [$`no-such-program`, $`cat`]
  await expect(loop(before.pipe(after))).rejects.toThrow(FileNotFoundError)
  expect(await outcomes([before, after])).toEqual(['FileNotFoundError', 'FileNotFoundError'])
})

test('a pipe that is cancelled before it begins cancels all its commands', () =>
  runLoop(async () => {
    const commands = [$`echo 1`, $`cat`, $`cat`, $`cat`] as const
    commands[0].pipe(commands[1]).pipe(commands[2]).pipe(commands[3])
    const task = createTask(
      async () => {
        await commands[3]
      },
      { eager: true },
    )
    task.cancel()
    await expect(task).rejects.toSatisfy(isCancelled)
    expect(await outcomes(commands)).toEqual(Array.from({ length: 4 }, () => 'CancelledError'))
    expect(children()).toEqual([])
  }))

test('a loop over a pipe that is cancelled before its first line gives each command a result', () =>
  runLoop(async () => {
    const [source, last] = [$`echo 1`, $`cat`]
    await cancelScope(async (scope) => {
      scope.cancel()
      for await (const _ of source.pipe(last));
    })
    expect(await outcomes([source, last])).toEqual([expect.anything(), expect.anything()])
    expect(children()).toEqual([])
  }))

test('promises made of a command before its pipe() or loop settle with its result', async () => {
  const source = $`sh -c ${'echo text; exit 3'}`
  const caught = source.catch(() => null)
  const ended: string[] = []
  const finished = source.finally(() => void ended.push('finally'))
  expect(await source.pipe($`cat`).text()).toBe('text\n')
  expect(await caught).toMatchObject({ returncode: 3 })
  expect(await finished).toMatchObject({ returncode: 3 })
  expect(ended).toEqual(['finally'])
  const looped = $`echo line`
  const result = looped.then(({ returncode }) => returncode)
  for await (const line of looped.lines()) expect(line).toBe('line')
  expect(await result).toBe(0)
})

test('a loop over a command gives the lines before a line that is too long, as lines() does', async () => {
  const text = `one\ntwo\n${'x'.repeat(200)}\nthree\n`
  const command = (): Command => $({ limit: 100 })`printf ${text}`
  const [seen, taken]: [string[], string[]] = [[], []]
  await expect(async () => {
    for await (const line of command().lines()) taken.push(line)
  }).rejects.toThrow(LimitOverrunError)
  await expect(async () => {
    for await (const line of command()) seen.push(line.text)
  }).rejects.toThrow(LimitOverrunError)
  expect(seen).toEqual(taken)
  expect(seen).toEqual(['one', 'two'])
})

test('a loop over a command takes linear time for many lines and for a long line', async () => {
  // If the time grew with the square, each of the two would take longer than a test may take.
  const read = async (bytes: number, filter: string): Promise<[lines: number, length: number]> => {
    const script = `head -c ${bytes} /dev/zero | tr '\\0' ${filter}`
    let [lines, length] = [0, 0]
    for await (const { text } of $({ limit: Infinity })`sh -c ${script}`) {
      lines++
      length += text.length
    }
    return [lines, length]
  }
  expect(await read(1_000_000, String.raw`'\n'`)).toEqual([1_000_000, 0])
  expect(await read(40_000_000, 'x')).toEqual([1, 40_000_000])
})

test.each<[string, (lines: AsyncGenerator) => Promise<unknown>]>([
  ['return', (lines) => lines.return(undefined)],
  ['throw', (lines) => lines.throw(new Error('left')).catch(() => {})],
  ['dispose', async (lines) => lines[Symbol.asyncDispose]()],
])(
  'leaving a loop over a pipe before its first line cancels all commands: %s',
  async (_, leave) => {
    for (const how of ['lines', 'for await'] as const) {
      const [source, last] = [$`echo 1`, $`cat`]
      const earlier = last.then(
        () => 'ended',
        (error: unknown) => isCancelled(error),
      )
      source.pipe(last)
      const lines = how === 'lines' ? last.lines() : last
      await leave(lines[Symbol.asyncIterator]() as AsyncGenerator)
      expect(await earlier).toBe(true)
      expect(await outcomes([source, last])).toEqual(['CancelledError', 'CancelledError'])
    }
    expect(children()).toEqual([])
  },
)

test('leaving a loop over a pipe after its first line gives the commands their exit codes', async () => {
  const [source, last] = [$`yes`, $`cat`]
  source.pipe(last)
  const lines = last[Symbol.asyncIterator]()
  expect((await lines.next()).value).toMatchObject({ text: 'y' })
  await lines.return()
  expect(await outcomes([source, last])).toEqual([expect.any(Number), -15])
})
