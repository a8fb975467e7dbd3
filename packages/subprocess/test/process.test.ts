import { execFileSync } from 'node:child_process'
import { createTask, isCancelled, run as runLoop, sleep, wait } from '@tasktree/core'
import {
  CalledProcessError,
  createSubprocessExec,
  createSubprocessShell,
  FileNotFoundError,
  NotADirectoryError,
  PermissionError,
  PIPE,
  ProcessLookupError,
  run,
  STDOUT,
} from '@tasktree/subprocess'
import { expect, test } from 'vitest'

/** Whether any process has this text in its command line. */
function isRunning(text: string): boolean {
  const lines = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n')
  return lines.some((line) => line.includes(text))
}

test('communicate writes, reads both outputs and gives the code', async () => {
  const child = await createSubprocessShell('cat; echo error >&2; exit 3', {
    stdin: PIPE,
    stdout: PIPE,
    stderr: PIPE,
  })
  expect((await child.communicate('input')).map(String)).toEqual(['input', 'error\n'])
  expect(child.returncode).toBe(3)
})

test('stderr can go where stdout goes', async () => {
  const child = await createSubprocessShell('echo one; echo two >&2', {
    stdin: 'ignore',
    stdout: PIPE,
    stderr: STDOUT,
  })
  const [output] = await child.communicate()
  expect(String(output)).toBe('one\ntwo\n')
})

test('megabytes in both directions at once do not deadlock', async () => {
  const input = Buffer.alloc(8 * 1_024 * 1_024, 'x')
  const { stdout } = await run('cat', [], { input })
  expect(stdout.equals(input)).toBe(true)
})

test('a child that closes its stdin early is no error', async () => {
  const { returncode } = await run('true', [], { input: Buffer.alloc(1_000_000) })
  expect(returncode).toBe(0)
})

test('run gives text, and with check throws what failed', async () => {
  expect((await run('echo', ['hi'], { encoding: 'utf8' })).stdout).toBe('hi\n')
  const failed = run('sh', ['-c', 'echo no >&2; exit 4'], { check: true, encoding: 'utf8' })
  await expect(failed).rejects.toMatchObject({
    name: 'CalledProcessError',
    returncode: 4,
    stderr: 'no\n',
  })
  await expect(failed).rejects.toBeInstanceOf(CalledProcessError)
})

test('what cannot be started says why', async () => {
  await expect(createSubprocessExec('no-such-program')).rejects.toBeInstanceOf(FileNotFoundError)
  await expect(createSubprocessExec('/etc/passwd')).rejects.toBeInstanceOf(PermissionError)
  await expect(createSubprocessExec('true', [], { cwd: '/etc/passwd' })).rejects.toBeInstanceOf(
    NotADirectoryError,
  )
  await expect(createSubprocessExec('true', [], { cwd: '/no/such' })).rejects.toMatchObject({
    path: '/no/such',
  })
  await expect(createSubprocessExec('true', ['a\0b'])).rejects.toBeInstanceOf(TypeError)
  await expect(createSubprocessExec('')).rejects.toBeInstanceOf(TypeError)
})

test('signals end it, with a negative code, and none can be sent after its end', async () => {
  const child = await createSubprocessExec('sleep', ['60'], { stdin: 'ignore' })
  child.terminate()
  expect(await child.wait()).toBe(-15)
  expect(() => child.kill()).toThrow(ProcessLookupError)
})

test('a cancel ends the whole group, a grandchild included', () =>
  runLoop(async () => {
    const task = createTask(async () => {
      await using child = await createSubprocessShell('sleep 4242 & wait', {
        stdin: 'ignore',
        stdout: PIPE,
      })
      await child.communicate()
    })
    while (!isRunning('sleep 4242')) await sleep(5)
    task.cancel()
    await wait([task])
    expect(task.cancelled()).toBe(true)
    while (isRunning('sleep 4242')) await sleep(5)
  }))

test('one that ignores SIGTERM is killed after its grace', () =>
  runLoop(async () => {
    const task = createTask(async () => {
      const child = await createSubprocessShell(
        'trap "" TERM; echo ready; while :; do sleep 0.05; done',
        {
          stdin: 'ignore',
          stdout: PIPE,
          killGrace: 50,
        },
      )
      await child.stdout?.readLine()
      try {
        await child.wait()
      } catch (error) {
        if (!isCancelled(error)) throw error
        return child.returncode
      }
      return null
    })
    await sleep(100)
    task.cancel()
    expect(await task).toBe(-9)
  }))

test('a grandchild that holds the pipe does not hold the result', () =>
  runLoop(async () => {
    const start = performance.now()
    const child = await createSubprocessShell('sleep 30 & echo hi', {
      stdin: 'ignore',
      stdout: PIPE,
    })
    const [output] = await child.communicate()
    expect(String(output)).toBe('hi\n')
    expect(performance.now() - start).toBeLessThan(5_000)
    process.kill(-child.pid, 'SIGKILL')
  }))
