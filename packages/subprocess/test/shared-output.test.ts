// Tests `stderr: STDOUT` together with a pipe. The options of Node have nothing like it.
import { createTask, run as runLoop, sleep, wait } from '@tasktree/core'
import {
  $,
  ArgumentListTooLongError,
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  PIPE,
  run,
  STDOUT,
} from '@tasktree/subprocess'
import { StreamWriter } from '@tasktree/streams'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { children, pipes } from './support/system.ts'

const both = { stdin: DEVNULL, stdout: PIPE, stderr: STDOUT } as const

test('with stderr: STDOUT the environment of the child is exactly the given env', async () => {
  const env = {
    PATH: process.env['PATH'],
    'INPUT_MY-NAME': 'octocat',
    'app.kubernetes.io/name': 'x',
    '1st': '1',
    EMPTY: '',
    NEWLINE: 'a\nb',
  }
  const read = async (stderr: typeof PIPE | typeof STDOUT): Promise<string[]> => {
    const { stdout } = await run('env', ['-0'], { env, encoding: 'utf8', check: true, stderr })
    return stdout.split('\0').toSorted()
  }
  expect(await read(STDOUT)).toEqual(await read(PIPE))
  expect(await read(STDOUT)).toContain('INPUT_MY-NAME=octocat')
})

test('with stderr: STDOUT the child is started directly and with its own arguments', async () => {
  const code = 'import os, sys; print(sys.argv[1:], os.getppid(), os.getpid())'
  const args = ['-c', code, '', 'a b', '$HOME', '*']
  const env = { PATH: process.env['PATH'] }
  const child = await createSubprocessExec('python3', args, { ...both, env })
  const [stdout] = await child.communicate()
  expect(String(stdout)).toBe(`['', 'a b', '$HOME', '*'] ${process.pid} ${child.pid}\n`)
})

test('with stderr: STDOUT both outputs of the child are one blocking pipe', async () => {
  const code =
    'import os; print(os.fstat(1).st_ino == os.fstat(2).st_ino, os.get_blocking(1), os.get_blocking(2))'
  const child = await createSubprocessExec('python3', ['-c', code], both)
  expect(String((await child.communicate())[0])).toBe('True True True\n')
})

test('stderr: STDOUT keeps the order of what is written to both outputs', async () => {
  const script = 'for i in 1 2 3 4 5 6 7 8 9; do echo out$i; echo err$i >&2; done'
  const child = await createSubprocessShell(script, both)
  const expected = Array.from({ length: 9 }, (_, i) => `out${i + 1}\nerr${i + 1}\n`).join('')
  expect(String((await child.communicate())[0])).toBe(expected)
})

test('megabytes of both outputs come through with stderr: STDOUT, to a StreamWriter too', async () => {
  const script = 'head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2'
  expect((await run('sh', ['-c', script], { stderr: STDOUT })).stdout).toHaveLength(6_000_000)
  const sink = new PassThrough()
  let length = 0
  sink.on('data', (chunk: Buffer) => {
    length += chunk.length
  })
  await run('sh', ['-c', script], { stdout: StreamWriter.to(sink), stderr: STDOUT })
  expect(length).toBe(6_000_000)
})

test('$ takes stderr: STDOUT, in pipes and in loops too', async () => {
  const merged = $({ stderr: STDOUT })
  const script = 'echo out; echo err >&2'
  expect(await merged`sh -c ${script}`.text()).toBe('out\nerr\n')
  expect(await merged`sh -c ${script}`.pipe($`cat`).text()).toBe('out\nerr\n')
  const lines: string[] = []
  for await (const line of merged`sh -c ${script}`.lines()) lines.push(line)
  expect(lines).toEqual(['out', 'err'])
})

test('with stderr: STDOUT run returns although a grandchild keeps the pipe open', async () => {
  const child = await createSubprocessShell('sleep 5858 & echo hi', both)
  expect(String((await child.communicate())[0])).toBe('hi\n')
  process.kill(-child.pid, 'SIGKILL')
})

test('with stderr: STDOUT too many arguments still throw ArgumentListTooLongError', async () => {
  await expect(run('true', ['x'.repeat(3_000_000)], { stderr: STDOUT })).rejects.toBeInstanceOf(
    ArgumentListTooLongError,
  )
})

test('with stderr: STDOUT a cancel or an abort in any turn of the start leaves no pipe open', () =>
  runLoop(async () => {
    await run('true', [], { stderr: STDOUT })
    const before = pipes()
    for (let turns = 0; turns < 30; turns++) {
      const controller = new AbortController()
      const task = createTask(async () => {
        await using child = await createSubprocessExec('sleep', ['60'], {
          ...both,
          signal: turns % 2 === 0 ? controller.signal : undefined,
        })
        await child.wait()
      })
      for (let i = 0; i < turns; i += 2) await sleep(0)
      if (turns % 2 === 0) controller.abort()
      else task.cancel()
      await wait([task])
      expect(task.cancelled()).toBe(true)
    }
    for (let i = 0; i < 100 && pipes() > before; i++) await sleep(10)
    expect(pipes()).toBe(before)
    expect(children()).toEqual([])
  }))

test('twenty processes with stderr: STDOUT at once each give their own output', async () => {
  const outputs = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const child = await createSubprocessShell(`echo ${i}; echo ${i} >&2`, both)
      return String((await child.communicate())[0])
    }),
  )
  expect(outputs).toEqual(Array.from({ length: 20 }, (_, i) => `${i}\n${i}\n`))
})
