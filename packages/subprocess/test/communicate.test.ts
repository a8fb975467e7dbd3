import {
  createTask,
  getEventLoop,
  isCancelled,
  run as runLoop,
  RuntimeError,
  sleep,
  timeout,
  TimeoutError,
  wait,
} from '@tasktree/core'
import {
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  PIPE,
  type Process,
  TimeoutExpired,
} from '@tasktree/subprocess'
import { expect, test } from 'vitest'
import { Gates } from './support/gates.ts'

const pipes = { stdin: PIPE, stdout: PIPE, stderr: PIPE } as const
const numbers = Array.from({ length: 200 }, (_, i) => `${i}\n`).join('')
/** A script that writes to both outputs in pieces, with pauses between them. */
const slow =
  'i=0; while [ $i -lt 200 ]; do echo $i; echo $i >&2; i=$((i+1)); [ $((i % 20)) = 0 ] && sleep 0.01; done; exit 7'

test('a communicate that is aborted by a signal again and again loses no output', async () => {
  using gates = new Gates()
  // The script waits for a number of tries before it goes on, because on a slow machine one try may take as long as the script.
  const script = `${gates.passing('tries')}; ${slow}`
  const child = await createSubprocessShell(script, { ...pipes, stdin: DEVNULL })
  let tries = 0
  for (;;) {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), tries % 7)
    try {
      const both = await child.communicate(undefined, { signal: controller.signal })
      expect(both.map(String)).toEqual([numbers, numbers])
      break
    } catch (error) {
      expect(isCancelled(error)).toBe(true)
      if (++tries === 4) gates.open('tries')
    }
  }
  expect(tries).toBeGreaterThan(3)
  expect(child.returncode).toBe(7)
})

test('a communicate that is cancelled in any turn loses no output', { tags: ['slow'] }, () =>
  runLoop(async () => {
    for (let turns = 0; turns < 60; turns += 3) {
      await using child = await createSubprocessShell(slow, { ...pipes, stdin: DEVNULL })
      for (let i = 0; i < 30; i++) {
        const task = createTask(() => child.communicate())
        let left = turns + i
        const tick = (): void => {
          if (left-- > 0) getEventLoop().callLater(0, tick)
          else task.cancel()
        }
        tick()
        await wait([task])
        if (!task.cancelled()) {
          expect(task.result().map(String)).toEqual([numbers, numbers])
          break
        }
        if (i === 29) expect((await child.communicate()).map(String)).toEqual([numbers, numbers])
      }
    }
  }),
)

test('a timeout of communicate leaves the process, and the next call returns all output, as in Python', async () => {
  using gates = new Gates()
  const script = `echo one; ${gates.opening('one')}; ${gates.passing('two')}; echo two`
  const child = await createSubprocessShell(script, { ...pipes, stdin: DEVNULL })
  await gates.passed('one')
  // On a busy machine the time is over before the output has been read. So the call is repeated until it has been.
  let output = ''
  while (output === '') {
    const error: unknown = await child
      .communicate(undefined, { timeout: 60 })
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TimeoutExpired)
    expect(error).toMatchObject({ timeout: 60, args: ['/bin/sh', '-c', expect.any(String)] })
    output = String((error as TimeoutExpired).stdout)
  }
  expect(output).toBe('one\n')
  expect(child.returncode).toBeNull()
  gates.open('two')
  expect((await child.communicate()).map(String)).toEqual(['one\ntwo\n', ''])
})

test('communicate after a timeout and a kill returns the output so far, as in Python', async () => {
  using gates = new Gates()
  const script = `echo begun; ${gates.opening('begun')}; exec sleep 60`
  const child = await createSubprocessShell(script, { ...pipes, stdin: DEVNULL })
  await gates.passed('begun')
  await expect(child.communicate(undefined, { timeout: 80 })).rejects.toBeInstanceOf(TimeoutExpired)
  child.kill()
  expect(String((await child.communicate())[0])).toBe('begun\n')
  expect(child.returncode).toBe(-9)
})

test('a communicate after a timeout sends the rest of the input, and refuses new input', async () => {
  const input = Buffer.alloc(3_000_000, 'x')
  // The child reads nothing for a while, so that the input fills the pipe.
  const child = await createSubprocessShell('sleep 0.1; cat', pipes)
  await expect(child.communicate(input, { timeout: 20 })).rejects.toBeInstanceOf(TimeoutExpired)
  expect(() => child.communicate('more')).toThrow(RuntimeError)
  const [stdout] = await child.communicate()
  expect(stdout?.equals(input)).toBe(true)
})

test('a timeout of wait throws TimeoutExpired and leaves the process', async () => {
  await using child = await createSubprocessExec('sleep', ['60'], { stdin: DEVNULL })
  await expect(child.wait({ timeout: 10 })).rejects.toMatchObject({
    name: 'TimeoutExpired',
    timeout: 10,
    stdout: null,
  })
  expect(child.returncode).toBeNull()
  expect(() => child.wait({ timeout: -1 })).toThrow(RangeError)
  expect(() => child.communicate(undefined, { timeout: 'x' as never })).toThrow(TypeError)
})

test('a second communicate at the same time throws, and the first loses no output', async () => {
  using gates = new Gates()
  const script = `${gates.passing('all')}; echo all`
  const child = await createSubprocessShell(script, { ...pipes, stdin: DEVNULL })
  const first = child.communicate()
  await expect(child.communicate()).rejects.toBeInstanceOf(RuntimeError)
  gates.open('all')
  expect((await first).map(String)).toEqual(['all\n', ''])
})

test('a wait for a process that is cancelled in any turn ends as cancelled', () =>
  runLoop(async () => {
    const children: Process[] = []
    for (let turns = 0; turns < 12; turns++) {
      const child = await createSubprocessExec('sleep', ['60'], { stdin: DEVNULL })
      children.push(child)
      const task = createTask(() => child.wait({ timeout: 60_000 }))
      for (let i = 0; i < turns; i++) await sleep(0)
      task.cancel()
      await wait([task])
      expect(task.cancelled()).toBe(true)
    }
    for (const child of children) await child[Symbol.asyncDispose]()
  }))

test('a timeout scope around communicate or wait leaves the process that was started outside of it', () =>
  runLoop(async () => {
    using gates = new Gates()
    const script = `echo one; ${gates.passing('two')}; echo two`
    const child = await createSubprocessShell(script, { ...pipes, stdin: DEVNULL })
    await expect(timeout(40, () => child.communicate())).rejects.toBeInstanceOf(TimeoutError)
    await expect(timeout(20, () => child.wait())).rejects.toBeInstanceOf(TimeoutError)
    expect(child.returncode).toBeNull()
    gates.open('two')
    expect((await child.communicate()).map(String)).toEqual(['one\ntwo\n', ''])
  }))

test('a timeout scope around the start of a process ends the process', () =>
  runLoop(async () => {
    const started: Process[] = []
    const scope = timeout(100, async () => {
      const script = 'echo one; exec sleep 60'
      const child = await createSubprocessShell(script, { ...pipes, stdin: DEVNULL })
      started.push(child)
      await child.communicate()
    })
    await expect(scope).rejects.toBeInstanceOf(TimeoutError)
    expect(started[0]?.returncode).toBe(-15)
  }))
