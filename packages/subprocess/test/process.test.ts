import {
  allTasks,
  createTask,
  getEventLoop,
  isCancelled,
  run as runLoop,
  RuntimeError,
  sleep,
  type Task,
  taskGroup,
  TimeoutError,
  wait,
  waitFor,
} from '@tasktree/core'
import { OSError, StreamReader, StreamWriter } from '@tasktree/streams'
import {
  ArgumentListTooLongError,
  CalledProcessError,
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  FileNotFoundError,
  ManagedProcess,
  MaxBufferError,
  NotADirectoryError,
  PermissionError,
  PIPE,
  type Process,
  ProcessLookupError,
  run,
  STDOUT,
  TimeoutExpired,
} from '@tasktree/subprocess'
import * as fc from 'fast-check'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { children, running } from './support/system.ts'

const deaf = 'trap "" TERM; echo ready; while :; do sleep 0.01; done'

async function startDeaf(killGrace: number): Promise<Process> {
  const child = await createSubprocessShell(deaf, { stdin: DEVNULL, stdout: PIPE, killGrace })
  await child.stdout?.readLine()
  return child
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'subprocess-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

test('communicate writes the input, reads both outputs and gives the exit code', async () => {
  const child = await createSubprocessShell('cat; echo error >&2; exit 3', {
    stdin: PIPE,
    stdout: PIPE,
    stderr: PIPE,
  })
  expect((await child.communicate('input')).map(String)).toEqual(['input', 'error\n'])
  expect(child.returncode).toBe(3)
})

test('communicate gives null for an output that is not a pipe, and refuses input without a stdin pipe', async () => {
  const child = await createSubprocessExec('true', [], { stdin: DEVNULL, stdout: DEVNULL })
  expect(() => child.communicate('x')).toThrow(
    new TypeError('communicate() was given input, and stdin is no PIPE'),
  )
  expect(() => child.communicate(3 as never)).toThrow(
    new TypeError('input must be a Uint8Array or a string, got number 3'),
  )
  expect(() => child.communicate(undefined, 5 as never)).toThrow(
    new TypeError('the options must be an object, got number 5'),
  )
  expect(() => child.wait({ signal: 5 as never })).toThrow(
    new TypeError('the option signal must be an AbortSignal, got number 5'),
  )
  expect(await child.communicate()).toEqual([null, null])
})

test('stderr: STDOUT sends stderr where stdout goes', async () => {
  const script = 'echo one; echo two >&2; echo three'
  const child = await createSubprocessShell(script, {
    stdin: DEVNULL,
    stdout: PIPE,
    stderr: STDOUT,
  })
  expect(child.stderr).toBeNull()
  expect(String((await child.communicate())[0])).toBe('one\ntwo\nthree\n')
  const options = { stdout: PIPE, stderr: STDOUT } as const
  await expect(createSubprocessExec('no-such', [], options)).rejects.toThrow(FileNotFoundError)
  await expect(createSubprocessExec('/tmp', [], options)).rejects.toThrow(PermissionError)
  await expect(createSubprocessExec('/etc/passwd', [], options)).rejects.toThrow(PermissionError)
  await expect(
    createSubprocessExec('true', [], { ...options, cwd: '/no/such' }),
  ).rejects.toMatchObject({ path: '/no/such' })
})

test('both outputs of a process can go to one file', async () => {
  const path = join(folder(), 'output')
  const fd = openSync(path, 'w')
  const child = await createSubprocessShell('echo one; echo two >&2', {
    stdout: fd,
    stderr: STDOUT,
  })
  closeSync(fd)
  await child.wait()
  expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n')
})

test('stdin of a process can be a file', async () => {
  const path = join(folder(), 'input')
  writeFileSync(path, 'from a file')
  const fd = openSync(path, 'r')
  const { stdout } = await run('cat', [], { stdin: fd, encoding: 'utf8' })
  closeSync(fd)
  expect(stdout).toBe('from a file')
})

test('stdin of a process can be a StreamReader, and its outputs can be StreamWriters', async () => {
  const source = new StreamReader()
  const sinks = [new PassThrough(), new PassThrough()] as const
  const texts = sinks.map((sink) => new Response(sink as never).text())
  const child = await createSubprocessShell('cat; echo error >&2', {
    stdin: source,
    stdout: StreamWriter.to(sinks[0]),
    stderr: StreamWriter.to(sinks[1]),
  })
  expect([child.stdin, child.stdout, child.stderr]).toEqual([null, null, null])
  source.feedData('one ')
  source.feedData('two')
  source.feedEof()
  expect(await child.wait()).toBe(0)
  for (const sink of sinks) sink.end()
  expect(await Promise.all(texts)).toEqual(['one two', 'error\n'])
})

test('wait throws the error of a StreamWriter that gets the output, and the process ends', async () => {
  const sink = new PassThrough()
  const child = await createSubprocessExec('yes', [], {
    stdout: StreamWriter.to(sink),
    stderr: DEVNULL,
  })
  sink.once('data', () => sink.destroy(new Error('disk full')))
  await expect(child.wait()).rejects.toThrow('disk full')
  await child[Symbol.asyncDispose]()
  expect(child.returncode).not.toBe(0)
})

test.each(['yes', 'echo one; sleep 60'])(
  'a StreamWriter that takes nothing does not hold up a timeout or a disposal of the process: %s',
  (script) =>
    runLoop(async () => {
      const stalled = StreamWriter.to(new Writable({ highWaterMark: 1, write: () => {} }))
      const late = run('sh', ['-c', script], { stdout: stalled, timeout: 100 })
      await expect(late).rejects.toBeInstanceOf(TimeoutExpired)
      const tasks = allTasks().size
      {
        await using child = await createSubprocessShell(script, { stdout: stalled })
        expect(child.returncode).toBeNull()
      }
      await sleep(0)
      expect(allTasks().size).toBe(tasks)
      expect(children()).toEqual([])
    }),
)

test('unread output does not keep wait from ending, and leaves no timer', async () => {
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = timers()
  const script = 'head -c 150000 /dev/zero'
  const child = await createSubprocessShell(script, { stdin: DEVNULL, stdout: PIPE })
  await child.wait()
  // By this time the timer that watches the idle pipe has fired.
  await sleep(150)
  expect(timers()).toBeLessThanOrEqual(before)
  expect((await child.stdout?.read(-1))?.length).toBe(150_000)
})

test('a StreamReader as stdin that never ends does not keep wait from ending', async () => {
  const source = new StreamReader()
  const child = await createSubprocessExec('true', [], { stdin: source })
  expect(await child.wait()).toBe(0)
})

test('megabytes in both directions at once do not deadlock', async () => {
  const input = Buffer.alloc(40 * 1_024 * 1_024, 'x')
  const { stdout } = await run('cat', [], { input })
  expect(stdout.equals(input)).toBe(true)
})

test('random arguments reach the program unchanged', { tags: ['slow'] }, async () => {
  const text = fc.string({ unit: 'grapheme' }).map((arg) => arg.replaceAll('\0', ''))
  await fc.assert(
    fc.asyncProperty(fc.array(text), async (args) => {
      const { stdout } = await run('printf', [String.raw`%s\0`, '-', ...args], { encoding: 'utf8' })
      expect(stdout.split('\0').slice(0, -1)).toEqual(['-', ...args])
    }),
    { numRuns: 60 },
  )
})

test('communicate does not fail if the child closes its stdin early', async () => {
  const input = Buffer.alloc(1_000_000)
  expect(await run('true', [], { input })).toMatchObject({ returncode: 0 })
  const { stdout } = await run('sh', ['-c', 'exec <&-; echo done'], { input, encoding: 'utf8' })
  expect(stdout).toBe('done\n')
})

test('run gives text with an encoding, and with check throws what failed', async () => {
  expect((await run('echo', ['hi'], { encoding: 'utf8' })).stdout).toBe('hi\n')
  const args = ['-c', 'echo out; echo no >&2; exit 4']
  const failed = run('sh', args, { check: true, encoding: 'utf8' })
  await expect(failed).rejects.toBeInstanceOf(CalledProcessError)
  await expect(failed).rejects.toMatchObject({
    message: 'sh -c echo out; echo no >&2; exit 4 exited with 4: no',
    args: ['sh', ...args],
    returncode: 4,
    stdout: 'out\n',
    stderr: 'no\n',
  })
  const killed = run('sh', ['-c', 'kill -9 $$'], { check: true })
  await expect(killed).rejects.toThrow('was ended by signal 9')
})

test('run with a timeout ends a program that takes too long, and the error has the output so far', async () => {
  const args = ['-c', 'echo begun; echo why >&2; sleep 60; echo ended']
  const late = run('sh', args, { timeout: 150, encoding: 'utf8' })
  const error = await late.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(TimeoutExpired)
  expect(error).toBeInstanceOf(TimeoutError)
  expect(error).toMatchObject({
    timeout: 150,
    stdout: 'begun\n',
    stderr: 'why\n',
    args: ['sh', ...args],
  })
  expect(children()).toEqual([])
})

test('the timeout of a process ends each wait with TimeoutExpired', async () => {
  const options = { timeout: 20, stdin: DEVNULL, stdout: PIPE } as const
  const child = await createSubprocessExec('sleep', ['60'], options)
  await expect(child.wait()).rejects.toMatchObject({ name: 'TimeoutExpired', stdout: null })
  expect(child.returncode).toBe(-15)
  await expect(child.communicate()).rejects.toMatchObject({ name: 'TimeoutExpired' })
  const quick = await createSubprocessExec('true', [], { timeout: 60_000 })
  expect(await quick.wait()).toBe(0)
})

test('the option signal ends a process and everything that the process has started', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const running1 = run('sh', ['-c', 'echo ready; sleep 4545 & wait'], { signal })
  while (running('sleep 4545').length === 0) await sleep(5)
  controller.abort(new Error('enough'))
  const error = await running1.catch((reason: unknown) => reason)
  expect(isCancelled(error)).toBe(true)
  expect(error).toMatchObject({ cause: new Error('enough') })
  expect(running('sleep 4545')).toEqual([])
  await expect(run('true', [], { signal })).rejects.toSatisfy(isCancelled)
})

test('run ends a program that writes more than maxBuffer, and the error has the output so far', async () => {
  const options = { maxBuffer: 1_000, encoding: 'utf8' } as const
  const error = await run('yes', [], options).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(MaxBufferError)
  expect(error).toMatchObject({ maxBuffer: 1_000, stdout: 'y\n'.repeat(500) })
  const said = run('sh', ['-c', 'echo out; yes >&2'], options)
  await expect(said).rejects.toThrow('wrote more than 1000 bytes to its stderr')
  const { stdout } = await run('head', ['-c', '1000', '/dev/zero'], { maxBuffer: 1_000 })
  expect(stdout).toHaveLength(1_000)
})

test('a start of a program that does not exist or may not run throws an error with the reason', async () => {
  const failure = (program: string, args?: string[], options?: object): Promise<unknown> =>
    createSubprocessExec(program, args, options).then(
      () => 'started',
      (error: unknown) => error,
    )
  const missing = await failure('no-such-program')
  expect(missing).toBeInstanceOf(FileNotFoundError)
  expect(missing).toBeInstanceOf(OSError)
  expect(missing).toMatchObject({
    message: 'no such program on PATH: no-such-program',
    code: 'ENOENT',
    path: 'no-such-program',
    syscall: 'spawn',
  })
  expect(await failure('/etc/passwd')).toBeInstanceOf(PermissionError)
  expect(await failure('/etc/passwd/x')).toBeInstanceOf(NotADirectoryError)
  expect(await failure('true', [], { cwd: '/etc/passwd' })).toBeInstanceOf(NotADirectoryError)
  const nowhere = await failure('true', [], { cwd: '/no/such' })
  expect(nowhere).toBeInstanceOf(FileNotFoundError)
  expect(nowhere).toMatchObject({ path: '/no/such' })
  expect(await failure('true', ['x'.repeat(3_000_000)])).toBeInstanceOf(ArgumentListTooLongError)
  expect(await failure('true', [], { env: { PATH: '/no/such' } })).toBeInstanceOf(FileNotFoundError)
})

test('wrong arguments are refused before anything runs', () => {
  const refused = (start: () => unknown, message: string): void => {
    expect(start).toThrow(TypeError)
    expect(start).toThrow(message)
  }
  const exec = createSubprocessExec
  refused(() => exec(''), 'the program must be a non-empty string')
  refused(() => exec('tr\0ue'), 'holds a NUL byte')
  refused(() => exec('true', ['a\0b']), 'an argument holds a NUL byte: "a\\u0000b"')
  refused(() => exec('true', [], { cwd: '/\0' }), 'cwd holds a NUL byte')
  refused(() => exec('true', [], { env: { A: '\0' } }), 'env.A holds a NUL byte')
  refused(() => exec('true', 'x' as never), 'the arguments must be an array')
  refused(() => exec('true', [1] as never), 'an argument must be a string, got number 1')
  refused(() => exec('true', [], { stdin: STDOUT as never }), 'stdin must be PIPE')
  refused(() => exec('true', [], { stdout: 1.5 }), 'stdout must be PIPE')
  refused(() => exec('true', [], { stderr: 'x' as never }), 'stderr must be PIPE')
  refused(() => exec('true', [], { killGrace: 'x' as never }), 'killGrace must be a number')
  refused(() => exec('true', [], { processGroup: 1 as never }), 'processGroup must be')
  refused(() => createSubprocessShell(1 as never), 'the command must be a string')
  refused(() => run('true', [], { encoding: 'x' as never }), "encoding must be 'buffer'")
  refused(() => run('true', [], { maxBuffer: 'x' as never }), 'maxBuffer must be a number')
  refused(() => run('cat', [], { input: 'x', stdin: PIPE }), 'either input or stdin')
  refused(() => exec('true', [], 5 as never), 'the options must be an object, got number 5')
  refused(() => exec('true', [], { env: 'A=b' as never }), 'env must be an object')
  refused(() => exec('true', [], { limit: 'x' as never }), 'limit must be a number of bytes')
  refused(() => exec('true', [], { signal: 5 as never }), 'signal must be an AbortSignal')
  refused(() => createSubprocessShell('true', null as never), 'must be an object, got null')
  refused(() => createSubprocessShell('tr\0ue'), 'an argument holds a NUL byte')
  refused(() => run('tr\0ue'), 'an argument holds a NUL byte: "tr\\u0000ue"')
  refused(
    () => run('true', 'x' as never),
    'the arguments must be an array of strings, got string x',
  )
  refused(() => run('true', [], null as never), 'the options must be an object, got null')
  refused(() => run('cat', [], { input: 5 as never }), 'input must be a Uint8Array or a string')
  refused(() => new ManagedProcess('true', ['\0']), 'an argument holds a NUL byte')
  refused(() => new ManagedProcess('true', [], { signal: 5 as never }), 'got number 5')
  expect(() => exec('true', [], { timeout: -1 })).toThrow(
    new RangeError('timeout must be 0 ms or more, got -1'),
  )
  expect(() => exec('true', [], { limit: 0 })).toThrow(
    new RangeError('limit must be above 0 bytes, got 0'),
  )
})

test('createSubprocessShell uses the shell of the option shell', async () => {
  const child = await createSubprocessShell('echo $0', { shell: '/bin/bash', stdout: PIPE })
  expect(String((await child.communicate())[0])).toBe('/bin/bash\n')
  await expect(createSubprocessShell('', { shell: '/no/sh' })).rejects.toThrow(FileNotFoundError)
})

test('a signal ends a process with a negative code, and a signal after the end throws', async () => {
  const child = await createSubprocessExec('sleep', ['60'], { stdin: DEVNULL })
  expect(child.returncode).toBeNull()
  child.terminate()
  expect(await child.wait()).toBe(-15)
  expect(() => child.kill()).toThrow(ProcessLookupError)
  expect(() => child.terminate()).toThrow(ProcessLookupError)
  expect(() => child.sendSignal('SIGUSR1')).toThrow(`process ${child.pid} has ended with -15`)
})

test('a cancel of the task that started a process ends the whole process group', () =>
  runLoop(async () => {
    const task = createTask(async () => {
      const child = await createSubprocessShell('sleep 4242 & wait', {
        stdin: DEVNULL,
        stdout: PIPE,
      })
      await child.communicate()
    })
    while (running('sleep 4242').length === 0) await sleep(5)
    task.cancel()
    await wait([task])
    expect(task.cancelled()).toBe(true)
    expect(running('sleep 4242')).toEqual([])
  }))

test('a process that ignores SIGTERM is killed after killGrace when its task is cancelled', () =>
  runLoop(async () => {
    const started: Process[] = []
    const task = createTask(async () => {
      started.push(await startDeaf(50))
      await started[0]?.wait()
    })
    while (started.length === 0) await sleep(5)
    task.cancel()
    await wait([task])
    expect(started[0]?.returncode).toBe(-9)
  }))

test('a grandchild that ignores SIGTERM is killed even if the child has ended', () =>
  runLoop(async () => {
    const task = createTask(async () => {
      const script = '(trap "" TERM; echo ready; exec sleep 4646) & wait'
      await using child = await createSubprocessShell(script, { stdout: PIPE, killGrace: 100 })
      await child.stdout?.readLine()
      await sleep(Infinity)
    })
    while (running('sleep 4646').length === 0) await sleep(5)
    task.cancel()
    await wait([task])
    expect(running('sleep 4646')).toEqual([])
  }))

test('with processGroup: false disposal ends only the process itself', async () => {
  const options = { stdin: DEVNULL, stdout: PIPE, processGroup: false } as const
  const child = await createSubprocessShell('sleep 4747 & echo $!; wait', options)
  const grandchild = Number(await child.stdout?.readLine())
  await child[Symbol.asyncDispose]()
  expect(child.returncode).toBe(-15)
  expect(running('sleep 4747')).toEqual([grandchild])
  process.kill(grandchild)
})

test('disposal ends a process that ignores SIGTERM, even if its task is cancelled a second time', () =>
  runLoop(async () => {
    const started: Process[] = []
    const task = createTask(async () => {
      await using child = await startDeaf(80)
      started.push(child)
      await sleep(Infinity)
    })
    while (started.length === 0) await sleep(5)
    task.cancel()
    await sleep(10)
    task.cancel()
    await wait([task])
    expect(task.cancelled()).toBe(true)
    expect(started[0]?.returncode).toBe(-9)
  }))

test('a process ends when the task that started it is cancelled or fails', () =>
  runLoop(async () => {
    const start = async (then: () => Promise<void>): Promise<[Task, Process]> => {
      const holder: Process[] = []
      const task = createTask(async () => {
        holder.push(await createSubprocessExec('sleep', ['60'], { stdin: DEVNULL }))
        await then()
      })
      while (holder.length === 0) await sleep(1)
      return [task, holder[0] as Process]
    }
    const [cancelled, one] = await start(async () => sleep(Infinity))
    cancelled.cancel()
    expect(await one.wait()).toBe(-15)
    const [failed, two] = await start(async () => {
      throw new Error('owner')
    })
    expect(await two.wait()).toBe(-15)
    await expect(failed).rejects.toThrow('owner')
    const [, three] = await start(async () => {})
    expect(three.returncode).toBeNull()
    three.kill()
    await three.wait()
  }))

test('a cancel of a task that only waits for a process leaves the process', () =>
  runLoop(async () => {
    await using child = await createSubprocessExec('sleep', ['60'], {
      stdin: DEVNULL,
      stdout: PIPE,
    })
    for (const waiting of ['wait', 'communicate'] as const) {
      const task = createTask<unknown>(() => child[waiting]())
      await sleep(1)
      task.cancel()
      await wait([task])
      expect(task.cancelled()).toBe(true)
      expect(child.returncode).toBeNull()
    }
    const aborted = child.wait({ signal: AbortSignal.timeout(5) })
    await expect(aborted).rejects.toSatisfy(isCancelled)
    expect(child.returncode).toBeNull()
  }))

test('a task that fails in a task group ends the processes of the other tasks', () =>
  runLoop(async () => {
    const group = taskGroup(async (tasks) => {
      tasks.createTask(() => run('sleep', ['4848']))
      tasks.createTask(async () => {
        while (running('sleep 4848').length === 0) await sleep(5)
        throw new Error('sibling')
      })
    })
    await expect(group).rejects.toMatchObject({ errors: [new Error('sibling')] })
    expect(running('sleep 4848')).toEqual([])
  }))

test('waitFor ends a run() that takes too long', () =>
  runLoop(async () => {
    await expect(waitFor(() => run('sleep', ['60']), 30)).rejects.toBeInstanceOf(TimeoutError)
    expect(children()).toEqual([])
  }))

test('a process is ended when the run that started it fails', async () => {
  const started: Process[] = []
  const failing = runLoop(async () => {
    started.push(await startDeaf(50))
    throw new Error('main')
  })
  await expect(failing).rejects.toThrow('main')
  expect(await started[0]?.wait()).toBe(-9)
})

test('a process that a task returns goes on after the end of the task', () =>
  runLoop(async () => {
    const child = await createTask(() => createSubprocessExec('sleep', ['60'], { stdin: DEVNULL }))
    await sleep(20)
    expect(child.returncode).toBeNull()
    await child[Symbol.asyncDispose]()
    expect(child.returncode).toBe(-15)
    // A second call does nothing.
    await child[Symbol.asyncDispose]()
  }))

test('after the scope of a process, a read gives the bytes that had come, and then says why there are no more', async () => {
  // With this limit, the reader pauses the pipe as soon as it has one chunk. So the pipe still holds bytes at the end.
  const child = await createSubprocessExec('yes', [], { stdout: PIPE, limit: 1 })
  expect(String(await child.stdout?.readLine())).toBe('y\n')
  await child[Symbol.asyncDispose]()
  expect(String(await child.stdout?.read(2))).toBe('y\n')
  const message = `the output of process ${child.pid} was closed with its scope or its owner, before its end`
  await expect(child.stdout?.read()).rejects.toThrow(new RuntimeError(message))
})

test('the option limit of a process is the limit of its readers', async () => {
  const child = await createSubprocessExec('true', [], { stdout: PIPE, limit: 100 })
  expect(child.stdout?.limit).toBe(100)
  await child.communicate()
})

test('cancelled and failed processes report nothing to the exception handler', async () => {
  const reports: unknown[] = []
  await runLoop(async () => {
    getEventLoop().setExceptionHandler((_, context) => reports.push(context))
    const sink = new PassThrough()
    const task = createTask(async () => {
      const child = await createSubprocessExec('yes', [], { stdout: StreamWriter.to(sink) })
      await child.wait()
    })
    await sleep(30)
    task.cancel()
    await wait([task])
    await sleep(30)
    sink.destroy()
  })
  // The loop would have reported an unread failure at the end of the run.
  expect(reports).toEqual([])
})
