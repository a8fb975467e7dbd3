// Behaviours of CPython's test_asyncio/test_subprocess.py. The name of each test begins with the names of the cases there.
import { createTask, gather, run as runLoop, sleep, wait, waitFor } from '@tasktree/core'
import { BrokenPipeError, ConnectionResetError } from '@tasktree/streams'
import {
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  PIPE,
  type Process,
  ProcessLookupError,
} from '@tasktree/subprocess'
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { children } from '../support/system.ts'

const piped = { stdin: PIPE, stdout: PIPE } as const
const blocked = (): Promise<Process> => createSubprocessExec('sleep', ['3600'], { stdin: DEVNULL })
const largeData = Buffer.alloc(1_000_000, 'x')

test('test_stdin_stdout: cat returns what was written to its stdin, and ends with code 0', () =>
  runLoop(async () => {
    const task = async (data: string): Promise<[number, string]> => {
      const proc = await createSubprocessExec('cat', [], piped)
      proc.stdin?.write(data)
      await proc.stdin?.drain()
      proc.stdin?.close()
      const output = String(await proc.stdout?.read())
      return [await proc.wait(), output]
    }
    expect(await waitFor(() => task('some data'), 60_000)).toEqual([0, 'some data'])
  }))

test('test_communicate: communicate writes the input and returns the output', () =>
  runLoop(async () => {
    const proc = await createSubprocessExec('cat', [], piped)
    const [stdout] = await waitFor(() => proc.communicate('some data'), 60_000)
    expect([proc.returncode, String(stdout)]).toEqual([0, 'some data'])
  }))

test('test_communicate_none_input: communicate without input closes stdin', async () => {
  const proc = await createSubprocessExec('cat', [], piped)
  const [stdout] = await proc.communicate()
  expect([proc.returncode, String(stdout)]).toEqual([0, ''])
})

test('test_shell: createSubprocessShell runs a shell command and gives its exit code', async () => {
  const proc = await createSubprocessShell('exit 7')
  expect(await proc.wait()).toBe(7)
})

test('test_start_new_session: a process has a group and a session of its own', async () => {
  const proc = await createSubprocessExec('ps', ['-o', 'pgid=,sid=', '-p', '$$'], {
    stdin: DEVNULL,
    stdout: DEVNULL,
    stderr: DEVNULL,
  })
  await proc.wait()
  await using child = await blocked()
  const ids = execFileSync('ps', ['-o', 'pgid=,sid=', '-p', String(child.pid)], {
    encoding: 'utf8',
  })
  expect(ids.trim().split(/\s+/).map(Number)).toEqual([child.pid, child.pid])
})

test('test_kill: kill ends a process with the code -9', async () => {
  const proc = await blocked()
  proc.kill()
  expect(await proc.wait()).toBe(-9)
})

test('test_kill_issue43884: a kill of a shell ends the program that the shell runs', async () => {
  const proc = await createSubprocessShell('sleep 3600; exit 0', { stdin: DEVNULL })
  await sleep(20)
  proc.kill()
  expect(await proc.wait()).toBe(-9)
  expect(children()).toEqual([])
})

test('test_terminate: terminate ends a process with the code -15', async () => {
  const proc = await blocked()
  proc.terminate()
  expect(await proc.wait()).toBe(-15)
})

test('test_send_signal: a signal that ends a process gives its negative number as code', async () => {
  const proc = await createSubprocessExec('sh', ['-c', 'echo sleeping; exec sleep 3600'], {
    stdin: DEVNULL,
    stdout: PIPE,
  })
  expect(String(await proc.stdout?.readLine())).toBe('sleeping\n')
  proc.sendSignal('SIGHUP')
  expect(await proc.wait()).toBe(-1)
})

test('test_stdin_broken_pipe: a drain throws after the process has closed its stdin', async () => {
  const proc = await createSubprocessExec('sh', ['-c', 'read line; exec <&-; sleep 3600'], piped)
  await using _ = proc
  proc.stdin?.write('go\n')
  const write = async (): Promise<void> => {
    for (;;) {
      proc.stdin?.write(largeData)
      await proc.stdin?.drain()
    }
  }
  const error = await write().catch((reason: unknown) => reason)
  expect(error instanceof BrokenPipeError || error instanceof ConnectionResetError).toBe(true)
})

test('test_communicate_ignore_broken_pipe: communicate does not fail if the process reads no input', async () => {
  const proc = await createSubprocessExec('sh', ['-c', 'exit 0'], piped)
  await proc.communicate(largeData)
  expect(await proc.wait()).toBe(0)
})

test('test_pause_reading: a process pauses while no code reads its output, and all output is read later', () =>
  runLoop(async () => {
    const limit = 10
    const size = limit * 2 + 200_000
    const proc = await createSubprocessExec('head', ['-c', String(size), '/dev/zero'], {
      stdout: PIPE,
      limit,
    })
    const reader = proc.stdout
    // The child fills the pipe and waits. To read all bytes, the reader must resume the pipe several times.
    await sleep(50)
    const [data] = await gather([() => proc.communicate().then(([out]) => out), proc.wait()])
    expect(data).toHaveLength(size)
    expect(reader?.atEof()).toBe(true)
  }))

test('test_stdin_not_inheritable: the end of stdin reaches a process even if another was started meanwhile', async () => {
  const proc = await createSubprocessExec('wc', ['-c'], piped)
  await using _ = await blocked()
  const [stdout] = await proc.communicate('data!')
  expect(String(stdout).trim()).toBe('5')
})

test('test_empty_input: communicate with an empty input closes stdin', async () => {
  const proc = await createSubprocessExec('wc', ['-c'], piped)
  expect(String((await proc.communicate(''))[0]).trim()).toBe('0')
  expect(await proc.wait()).toBe(0)
})

test('test_devnull_input: a process with DEVNULL as stdin reads nothing', async () => {
  const proc = await createSubprocessExec('wc', ['-c'], { stdin: DEVNULL, stdout: PIPE })
  expect(String((await proc.communicate())[0]).trim()).toBe('0')
})

test('test_devnull_output, test_devnull_error: communicate returns null for an output to DEVNULL', async () => {
  const out = await createSubprocessExec('cat', [], { stdin: PIPE, stdout: DEVNULL, stderr: PIPE })
  expect(await out.communicate('abc')).toEqual([null, Buffer.alloc(0)])
  const err = await createSubprocessExec('cat', [], { stdin: PIPE, stdout: PIPE, stderr: DEVNULL })
  expect(await err.communicate('abc')).toEqual([Buffer.from('abc'), null])
})

test('test_cancel_process_wait: a cancelled wait leaves the process', () =>
  runLoop(async () => {
    const proc = await blocked()
    const task = createTask(() => proc.wait())
    task.getLoop().callSoon(() => task.cancel())
    await wait([task])
    expect(task.cancelled()).toBe(true)
    expect(task.cancel()).toBe(false)
    proc.kill()
    expect(await proc.wait()).toBe(-9)
  }))

test('test_cancel_make_subprocess_transport_exec, test_cancel_post_init: a cancelled start leaves no process', () =>
  runLoop(async () => {
    const task = createTask(blocked)
    task.getLoop().callSoon(() => task.cancel())
    await wait([task])
    if (!task.cancelled()) await (await task)[Symbol.asyncDispose]()
    while (children().length > 0) await sleep(5)
  }))

test('test_close_kill_running, test_close_dont_kill_finished: disposal ends a running process', async () => {
  const running = await blocked()
  expect(running.returncode).toBeNull()
  await running[Symbol.asyncDispose]()
  expect(running.returncode).toBe(-15)
  const finished = await createSubprocessShell('exit 3')
  await finished.wait()
  await finished[Symbol.asyncDispose]()
  expect(finished.returncode).toBe(3)
})

test('test_read_stdout_after_process_exit: all output is read after the process has ended', async () => {
  const proc = await createSubprocessExec('sh', ['-c', 'head -c 262144 /dev/zero; exit 1'], {
    stdout: PIPE,
  })
  let size = 0
  for (;;) {
    const data = (await proc.stdout?.read(65_536)) as Buffer
    if (data.length === 0) break
    size += data.length
    if (proc.returncode === null) await sleep(30)
  }
  expect(size).toBe(262_144)
  expect(await proc.wait()).toBe(1)
})

test('test_create_subprocess_env_shell, test_create_subprocess_env_exec: the option env sets the environment', async () => {
  const env = { ...process.env, FOO: 'bar' }
  const shell = await createSubprocessShell('printf %s "$FOO"', { env, stdout: PIPE })
  expect(String((await shell.communicate())[0])).toBe('bar')
  expect(await shell.wait()).toBe(0)
  const exec = await createSubprocessExec('printenv', ['FOO'], { env, stdout: PIPE })
  expect(String((await exec.communicate())[0])).toBe('bar\n')
})

test('test_subprocess_concurrent_wait: ten waits at once all get the exit code', () =>
  runLoop(async () => {
    const proc = await createSubprocessExec('cat', [], piped)
    expect(String((await proc.communicate('some data'))[0])).toBe('some data')
    const codes = await gather(Array.from({ length: 10 }, () => () => proc.wait()))
    expect(codes).toEqual(Array.from({ length: 10 }, () => 0))
  }))

test('test_subprocess_communicate_stdout: ten processes at once return each its own output', () =>
  runLoop(async () => {
    const texts = Array.from({ length: 10 }, (_, i) => `foo${i}`)
    const outputs = await gather(
      texts.map((text) => async () => {
        const proc = await createSubprocessExec('echo', [text], { stdout: PIPE })
        return String((await proc.communicate())[0]).trim()
      }),
    )
    expect(outputs).toEqual(texts)
  }))

test('test_subprocess_send_signal_race: a signal sent as a process ends is delivered or throws ProcessLookupError', async () => {
  for (let i = 0; i < 10; i++) {
    const proc = await createSubprocessExec('sleep', ['0.02'])
    await sleep(20)
    try {
      proc.sendSignal('SIGUSR1')
    } catch (error) {
      expect(error).toBeInstanceOf(ProcessLookupError)
    }
    expect([0, -10]).toContain(await proc.wait())
  }
})
