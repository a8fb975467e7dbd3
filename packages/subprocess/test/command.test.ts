import { createTask, isCancelled, run as runLoop, RuntimeError, sleep, wait } from '@tasktree/core'
import { LimitOverrunError } from '@tasktree/streams'
import { $, CalledProcessError, FileNotFoundError } from '@tasktree/subprocess'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { children, running } from './support/system.ts'

/** A command that prints its arguments, each with a NUL byte at its end. */
const show = ['printf', String.raw`%s\0`]
const shown = (output: string): string[] => output.split('\0').slice(0, -1)

test('$ gives the same result as run()', async () => {
  expect(await $`sh -c ${'echo out; echo err >&2; exit 3'}`).toEqual({
    args: ['sh', '-c', 'echo out; echo err >&2; exit 3'],
    returncode: 3,
    stdout: Buffer.from('out\n'),
    stderr: Buffer.from('err\n'),
  })
})

test('each placeholder in $ is one argument, whatever text it holds, and an array gives an argument for each item', async () => {
  const nasty = ['two words', `"'$(touch x)`, '; ls | wc > y', '', '*', '\\', 'line\nbreak']
  expect(shown(await $`${show} ${nasty}`.text())).toEqual(nasty)
  expect(shown(await $`${show} ${nasty[0] as string} ${7} ${8n}`.text())).toEqual([
    'two words',
    '7',
    '8',
  ])
})

test('text next to a placeholder in $ is part of the same argument', async () => {
  const name = 'a b'
  expect(shown(await $`${show} --name=${name} ${name}.txt "${name} c" ${1}${2}`.text())).toEqual([
    '--name=a b',
    'a b.txt',
    'a b c',
    '12',
  ])
  expect(shown(await $`${show} <${['1', '2', '3']}>`.text())).toEqual(['<1', '2', '3>'])
})

test('an empty array in $ gives no argument, and an empty string gives one', async () => {
  expect(shown(await $`${show} a ${[]} b`.text())).toEqual(['a', 'b'])
  expect(shown(await $`${show} a ${''} b`.text())).toEqual(['a', '', 'b'])
  expect(shown(await $`${show} a--${[]} b`.text())).toEqual(['a--', 'b'])
})

test('quotes and backslashes in $ work as in a shell, and variables and globs stay as they are', async () => {
  const output = await $`${show} 'one two' "three \"four\"" five\ six $HOME * ~ a;b | '' `.text()
  expect(shown(output)).toEqual([
    'one two',
    'three "four"',
    'five six',
    '$HOME',
    '*',
    '~',
    'a;b',
    '|',
    '',
  ])
})

test('escapes in $ are those of JavaScript, as in zx and execa, within quotes too', async () => {
  expect(
    shown(await $`${show} a\nb 'c\td' "e\r\n" f\ g \\n '\\n' \x41\u00e9\u{1f600}`.text()),
  ).toEqual(['a\nb', 'c\td', 'e\r\n', 'f g', String.raw`\n`, String.raw`\n`, 'Aé😀'])
  expect(shown(await $`${show} \" '\'' "\"" \`\${1} \a`.text())).toEqual([
    '"',
    "'",
    '"',
    '`${1}',
    'a',
  ])
  // A template may have several lines. A backslash at the end of a line is allowed and not needed.
  expect(
    shown(
      await $`${show} one
    two \
    three fo\
ur`.text(),
    ),
  ).toEqual(['one', 'two', 'three', 'four'])
  expect(await $`printf 'a\nb\n'`.text()).toBe('a\nb\n')
})

test('$ refuses a NUL byte and an escape that JavaScript does not know', () => {
  expect(() => $`echo \xg`).toThrow(
    new TypeError('a command has an escape that JavaScript does not know: \\xg'),
  )
  expect(() => $`echo \u{110000}`).toThrow(TypeError)
  expect(() => $`echo \u12`).toThrow(TypeError)
  expect(() => $`echo \1`).toThrow(TypeError)
  expect(() => $`echo \0`).toThrow('an argument holds a NUL byte')
})

test('random arguments in $ reach the program unchanged', async () => {
  const text = fc.string({ unit: 'grapheme' }).map((arg) => arg.replaceAll('\0', ''))
  await fc.assert(
    fc.asyncProperty(fc.array(text), async (args) => {
      expect(shown(await $`${show} - ${args}`.text())).toEqual(['-', ...args])
    }),
    { numRuns: 60 },
  )
})

test('$ throws at once for wrong values, open quotes and an empty command', () => {
  expect(() => $`echo ${undefined as never}`).toThrow(
    'the 1. ${} of a command must be a string, a number or an array of them, got undefined',
  )
  expect(() => $`echo ${[['nested']] as never}`).toThrow(TypeError)
  expect(() => $`  `).toThrow('$ takes a program and its arguments, got nothing')
  expect(() => $`echo 'a`).toThrow(RangeError)
  expect(() => $(3 as never)).toThrow(TypeError)
})

test('$ throws for an argument with a NUL byte and for wrong options before anything runs', () => {
  expect(() => $`echo ${'a\0b'}`).toThrow(
    new TypeError('an argument holds a NUL byte: "a\\u0000b"'),
  )
  expect(() => $({ cwd: 5 as never })`pwd`).toThrow(
    new TypeError('cwd must be a string, got number 5'),
  )
  expect(() => $({ maxBuffer: -1 })`pwd`).toThrow(
    new RangeError('maxBuffer must be 0 bytes or more, got -1'),
  )
})

test('$(options) gives its options to the command', async () => {
  expect(await $({ cwd: '/' })`pwd`.text()).toBe('/\n')
  const quick = $({ input: 'given' })({ env: { A: 'b' } })
  expect(await quick`sh -c ${'cat; echo $A'}`.text()).toBe('givenb\n')
  await expect($({ check: true })`false`).rejects.toBeInstanceOf(CalledProcessError)
  await expect($({ timeout: 20 })`sleep 60`).rejects.toMatchObject({ name: 'TimeoutExpired' })
})

test('text() of a command that fails throws', async () => {
  await expect($`sh -c ${'echo why >&2; exit 2'}`.text()).rejects.toThrow('exited with 2: why')
})

test('awaiting a command whose program does not exist throws FileNotFoundError', async () => {
  await expect($`no-such-program`).rejects.toBeInstanceOf(FileNotFoundError)
  await expect($`no-such-program`.text()).rejects.toBeInstanceOf(FileNotFoundError)
  await expect($`no-such-program`.pipe($`cat`)).rejects.toBeInstanceOf(FileNotFoundError)
  await expect($`echo`.pipe($`no-such-program`)).rejects.toBeInstanceOf(FileNotFoundError)
})

test('commands that are started together run at the same time', async () => {
  const both = [$`sh -c ${'echo $PPID'}`, $`sh -c ${'echo $PPID'}`]
  const [a, b] = await Promise.all(both.map((each) => each.text()))
  expect(a).toBe(`${process.pid}\n`)
  expect(b).toBe(a)
})

test('pipe() gives the output of a command to the next command', async () => {
  const lines = $`printf ${'3\n1\n2\n'}`.pipe($`sort`).pipe($`head -n 2`)
  expect(await lines.text()).toBe('1\n2\n')
})

test('20 megabytes go through a pipe whole', async () => {
  const size = 20_000_000
  expect(
    await $`head -c ${size} /dev/zero`
      .pipe($`cat`)
      .pipe($`wc -c`)
      .text(),
  ).toBe(`${size}\n`)
})

test('a source of a pipe that ends because its reader has ended does not count as failed', async () => {
  const { stdout } = await $({ check: true })`yes`.pipe($({ check: true })`head -n 1`)
  expect(String(stdout)).toBe('y\n')
  expect(children()).toEqual([])
})

test('with check, a pipe fails with the exit code and the stderr of a source that fails', async () => {
  const failing = $({ check: true })`sh -c ${'echo no >&2; exit 5'}`
  await expect(failing.pipe($`cat`)).rejects.toThrow('exited with 5: no')
  const unchecked = $`sh -c ${'echo no >&2; exit 5'}`.pipe($`cat`)
  expect(await unchecked).toMatchObject({ returncode: 0 })
})

test('pipe() and lines() throw after the start of a command, and for a second source', async () => {
  const started = $`true`
  await started
  expect(() => started.lines()).toThrow(RuntimeError)
  expect(() => started.pipe($`cat`)).toThrow(RuntimeError)
  const next = $`cat`
  $`echo one`.pipe(next)
  expect(() => $`echo two`.pipe(next)).toThrow(RuntimeError)
  expect(() => $`echo`.pipe('cat' as never)).toThrow(TypeError)
  expect(() => $`echo`.pipe($({ input: 'x' })`cat`)).toThrow(TypeError)
  expect(await next.text()).toBe('one\n')
})

test('lines() gives each line when it is written, and the last line even without a newline', async () => {
  const lines: string[] = []
  for await (const line of $`printf ${'one\ntwo\r\nü\n\nlast'}`.lines()) lines.push(line)
  expect(lines).toEqual(['one', 'two', 'ü', '', 'last'])
})

test('lines() of a pipe gives the lines of the last command', async () => {
  const lines: string[] = []
  for await (const line of $`printf ${'b\na\n'}`.pipe($`sort`).lines()) lines.push(line)
  expect(lines).toEqual(['a', 'b'])
})

test('lines() throws the failure of a command after its last line', async () => {
  const lines: string[] = []
  const read = async (): Promise<void> => {
    for await (const line of $`sh -c ${'echo a; echo why >&2; exit 1'}`.lines()) lines.push(line)
  }
  await expect(read()).rejects.toThrow('exited with 1: why')
  expect(lines).toEqual(['a'])
})

test('if a middle command of a pipe cannot be started, the commands before it are ended', async () => {
  const read = async (): Promise<void> => {
    for await (const _ of $`yes 4345`
      .pipe($`no-such-program`)
      .pipe($`cat`)
      .lines())
      continue
  }
  await expect(read()).rejects.toBeInstanceOf(FileNotFoundError)
  expect(children()).toEqual([])
  const awaited = $`yes 4345`.pipe($`no-such-program`).pipe($`cat`)
  await expect(awaited).rejects.toBeInstanceOf(FileNotFoundError)
  expect(children()).toEqual([])
})

test('leaving a loop over lines() ends an endless child', async () => {
  let seen = 0
  for await (const line of $`yes endless-4711`.lines()) {
    expect(line).toBe('endless-4711')
    if (++seen === 1_000) break
  }
  expect(children()).toEqual([])
})

test('lines() throws for a line over the limit, and ends the child', async () => {
  const read = async (limit: number): Promise<number> => {
    let length = 0
    for await (const line of $({ limit })`head -c 100000 /dev/zero`.lines()) length += line.length
    return length
  }
  await expect(read(65_536)).rejects.toBeInstanceOf(LimitOverrunError)
  expect(await read(200_000)).toBe(100_000)
  expect(children()).toEqual([])
})

test('an endless child is paused while the loop over its lines does not take lines', async () => {
  let seen = 0
  const before = process.memoryUsage().rss
  for await (const line of $`yes ${'x'.repeat(1_000)}`.lines()) {
    expect(line).toHaveLength(1_000)
    // The loop takes lines slowly. Without backpressure the child would have written gigabytes by now.
    if (seen++ < 30) await sleep(10)
    if (seen === 20_000) break
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000)
})

test('a cancel of the task that awaits a pipe ends all commands of the pipe', () =>
  runLoop(async () => {
    const task = createTask(async () => {
      await $`sleep 4343`.pipe($`cat`)
    })
    while (running('sleep 4343').length === 0) await sleep(5)
    task.cancel()
    await wait([task])
    expect(isCancelled(await task.then(undefined, (error: unknown) => error))).toBe(true)
    expect(children()).toEqual([])
  }))

test('a cancel of a loop over lines() ends the child', () =>
  runLoop(async () => {
    const task = createTask(async () => {
      for await (const _ of $`sh -c ${'echo ready; sleep 4344'}`.lines()) continue
    })
    while (running('sleep 4344').length === 0) await sleep(5)
    task.cancel()
    await wait([task])
    expect(task.cancelled()).toBe(true)
    expect(running('sleep 4344')).toEqual([])
  }))

test('a command has all methods of a promise', async () => {
  const promise: Promise<unknown> = $`true`
  expect(Object.prototype.toString.call(promise)).toBe('[object Command]')
  expect(await $`no-such-program`.catch((error: unknown) => error)).toBeInstanceOf(
    FileNotFoundError,
  )
  expect(await $`sh -c ${'exit 3'}`.catch(() => 'caught')).toMatchObject({ returncode: 3 })
  const steps: string[] = []
  await $`true`.finally(() => steps.push('ended'))
  await expect($`no-such-program`.finally(() => steps.push('failed'))).rejects.toBeInstanceOf(
    FileNotFoundError,
  )
  expect(steps).toEqual(['ended', 'failed'])
  expect(await Promise.all([$`true`, $`false`])).toMatchObject([
    { returncode: 0 },
    { returncode: 1 },
  ])
  const settled = await Promise.allSettled([$`true`, $`no-such-program`])
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
})

test('the source of a pipe gives its own code and stderr, and no stdout', async () => {
  const source = $`sh -c ${'echo out; echo said >&2; exit 4'}`
  const last = source.pipe($`cat`)
  expect(await last).toMatchObject({ returncode: 0, stdout: Buffer.from('out\n') })
  expect(await source).toEqual({
    args: ['sh', '-c', 'echo out; echo said >&2; exit 4'],
    returncode: 4,
    stdout: Buffer.alloc(0),
    stderr: Buffer.from('said\n'),
  })
  const failing = $({ check: true })`false`
  await expect(failing.pipe($`cat`)).rejects.toBeInstanceOf(CalledProcessError)
  await expect(failing).rejects.toBeInstanceOf(CalledProcessError)
  const missing = $`no-such-program`
  await expect(missing.pipe($`cat`)).rejects.toBeInstanceOf(FileNotFoundError)
  await expect(missing).rejects.toBeInstanceOf(FileNotFoundError)
  const left = $`yes`
  await left.pipe($`head -n 1`)
  expect((await left).returncode).not.toBe(0)
})

test('a command gives its code and stderr after a loop over its lines', async () => {
  const command = $`sh -c ${'echo a; echo said >&2; echo b'}`
  for await (const line of command.lines()) expect(['a', 'b']).toContain(line)
  expect(await command).toMatchObject({ returncode: 0, stderr: Buffer.from('said\n') })
  const left = $`yes`
  for await (const _ of left) break
  expect((await left).returncode).toBeLessThan(0)
})

test(
  'the source of a pipe that is cancelled is cancelled too, before its start and later',
  () =>
    runLoop(async () => {
      for (const turns of [0, 1, 30]) {
        const source = $`sleep 4349`
        const last = source.pipe($`cat`)
        const task = createTask(async () => {
          await last
        })
        await sleep(0)
        for (let i = 0; i < turns; i++) await sleep(1)
        task.cancel()
        await wait([task])
        const result = await source.then(
          ({ returncode }) => returncode,
          (error: unknown) => (isCancelled(error) ? 'cancelled' : error),
        )
        // The cancel has ended the source with SIGTERM, or the source has never begun.
        expect(turns === 30 ? [-15] : [-15, 'cancelled']).toContain(result)
      }
      expect(children()).toEqual([])
    }),
  10_000,
)

test('a cancelled wait for the source of a pipe leaves the pipe to other tasks', () =>
  runLoop(async () => {
    const source = $`sh -c ${'sleep 0.2; echo x'}`
    const last = source.pipe($`cat`)
    const waiter = createTask(() => source.then(() => {}))
    await sleep(20)
    waiter.cancel()
    await wait([waiter])
    expect(await last.text()).toBe('x\n')
    expect(await source).toMatchObject({ returncode: 0 })
  }))

test('timeout and killGrace of a command hold in pipes and loops too', async () => {
  const deaf = ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.0148; done']
  const quick = $({ timeout: 60, killGrace: 30 })
  await expect(quick`sh ${deaf}`.pipe($`cat`)).rejects.toMatchObject({ name: 'TimeoutExpired' })
  await expect($`sh ${deaf}`.pipe(quick`cat`)).rejects.toMatchObject({ name: 'TimeoutExpired' })
  const read = async (lines: AsyncIterable<unknown>): Promise<void> => {
    for await (const _ of lines) continue
  }
  await expect(read(quick`sh ${deaf}`.lines())).rejects.toMatchObject({ name: 'TimeoutExpired' })
  await expect(read(quick`sh ${deaf}`)).rejects.toMatchObject({ name: 'TimeoutExpired' })
  expect(running('sleep 0.0148')).toEqual([])
}, 30_000)

test('pipe(), lines() and text() of a command whose stdout goes elsewhere throw TypeError', async () => {
  for (const options of [
    { stdout: 'inherit' },
    { stdout: 'ignore' },
    { stdio: 'inherit' },
  ] as const) {
    const command = $(options)`true`
    const next = $`true`
    expect(() => command.pipe(next)).toThrow(TypeError)
    expect(() => command.lines()).toThrow('needs the stdout of true')
    expect(() => command[Symbol.asyncIterator]()).toThrow(TypeError)
    await expect(command.text()).rejects.toBeInstanceOf(TypeError)
    await Promise.all([command, next])
  }
  const source = $`true`
  const inherits = $({ stdio: 'inherit' })`true`
  expect(() => source.pipe(inherits)).toThrow('it was given its stdin')
  await Promise.all([source, inherits])
  // The stderr of the source is not needed, so it may have any place.
  expect(await $({ stderr: 'ignore' })`sh -c ${'echo x; echo y >&2'}`.pipe($`cat`).text()).toBe(
    'x\n',
  )
})
