import { createSubprocessExec, DEVNULL, PIPE, run } from '@tasktree/subprocess'
import { expect, test } from 'vitest'
import { testWhere } from '../../../vitest.skips.ts'

const testOnLinux = testWhere(process.platform === 'linux', 'only Linux has real-time signals here')

testOnLinux('a real-time signal that a process sends itself gives a negative code', async () => {
  for (const signal of [34, 40, 64]) {
    expect(await run('sh', ['-c', `kill -${signal} $$`])).toMatchObject({ returncode: -signal })
  }
  await expect(run('sh', ['-c', 'kill -40 $$'], { check: true })).rejects.toThrow(
    'was ended by signal 40',
  )
})

testOnLinux('a real-time signal that sendSignal sends gives a negative code', async () => {
  const child = await createSubprocessExec('sleep', ['60'], { stdin: DEVNULL })
  child.sendSignal(41)
  expect(await child.wait()).toBe(-41)
})

testOnLinux(
  'a process that catches a real-time signal and exits with 0 gives the code 0',
  async () => {
    const code = [
      'import signal, sys, time',
      'signal.signal(40, lambda *_: sys.exit(0))',
      'print("ready", flush=True)',
      'time.sleep(60)',
    ].join('\n')
    const child = await createSubprocessExec('python3', ['-c', code], {
      stdin: DEVNULL,
      stdout: PIPE,
    })
    await child.stdout?.readLine()
    child.sendSignal(40)
    expect(await child.wait()).toBe(0)
  },
)

test('a signal with a name gives the negative number of the signal as code', async () => {
  for (const [name, number] of [
    ['SIGHUP', 1],
    ['SIGKILL', 9],
    ['SIGUSR1', 10],
    ['SIGTERM', 15],
  ] as const) {
    const child = await createSubprocessExec('sleep', ['60'], { stdin: DEVNULL })
    child.sendSignal(name === 'SIGUSR1' ? 10 : name)
    expect(await child.wait()).toBe(-number)
  }
})

test.each([undefined, null, 'TERM', 'SIGNONE', '15', Number.NaN, {}, true])(
  'sendSignal refuses %s',
  async (signal) => {
    await using child = await createSubprocessExec('sleep', ['60'], { stdin: DEVNULL })
    expect(() => child.sendSignal(signal as never)).toThrow(TypeError)
    expect(child.returncode).toBeNull()
  },
)

test.each([-1, 65, 1.5, Infinity])('sendSignal refuses the signal number %s', async (signal) => {
  await using child = await createSubprocessExec('sleep', ['60'], { stdin: DEVNULL })
  expect(() => child.sendSignal(signal)).toThrow(RangeError)
})

test('sendSignal(0) checks that a process exists and does not end it', async () => {
  await using child = await createSubprocessExec('sleep', ['60'], { stdin: DEVNULL })
  child.sendSignal(0)
  expect(child.returncode).toBeNull()
})
