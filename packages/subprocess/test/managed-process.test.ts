import {
  createTask,
  Future,
  getEventLoop,
  run as runLoop,
  RuntimeError,
  sleep,
  TimeoutError,
  wait,
} from '@tasktree/core'
import {
  FileNotFoundError,
  ManagedProcess,
  type ManagedProcessOptions,
  NotReadyError,
  python,
} from '@tasktree/subprocess'
import { expect, test } from 'vitest'
import { children } from './support/system.ts'

const sh = (script: string, options?: ManagedProcessOptions): ManagedProcess =>
  new ManagedProcess('sh', ['-c', script], options)

/** Collects lines, and lets a test wait until there are a number of them. */
class Lines {
  readonly all: string[] = []
  #waiting: { count: number; reached: Future<void> } | null = null

  readonly push = (line: string): void => {
    this.all.push(line)
    const waiting = this.#waiting
    if (waiting === null || this.all.length < waiting.count) return
    this.#waiting = null
    waiting.reached.setResult()
  }

  async reach(count: number): Promise<string[]> {
    if (this.all.length < count) {
      const reached = new Future<void>()
      this.#waiting = { count, reached }
      await reached
    }
    return this.all
  }
}

test('onStdout of a managed process gets all lines in order before wait ends', async () => {
  const out = new Lines()
  const err = new Lines()
  const script = 'for i in 1 2 3; do echo out $i; echo err $i >&2; done; printf last'
  const child = sh(script, { onStdout: out.push, onStderr: err.push })
  await child.start()
  expect(await child.wait()).toBe(0)
  expect(out.all).toEqual(['out 1', 'out 2', 'out 3', 'last'])
  expect(err.all).toEqual(['err 1', 'err 2', 'err 3'])
  expect(child.state).toBe('stopped')
  expect(child.pid).toBeNull()
})

test('a character of the output of a managed process that comes in two chunks stays whole', async () => {
  const out = new Lines()
  const child = sh(
    String.raw`printf '\303'; sleep 0.05; printf '\274\n\342\202'; sleep 0.05; printf '\254'`,
    {
      onStdout: out.push,
    },
  )
  await child.start()
  await child.wait()
  expect(out.all).toEqual(['ü', '€'])
})

test('onStdout of a managed process gets a long line whole, and a line over a mebibyte in pieces', async () => {
  const lengths: number[] = []
  const child = sh('head -c 300000 /dev/zero; echo; head -c 3000000 /dev/zero', {
    onStdout: (line) => void lengths.push(line.length),
  })
  await child.start()
  await child.wait()
  expect(lengths[0]).toBe(300_000)
  expect(lengths.length).toBeGreaterThan(2)
  expect(lengths.slice(1).reduce((a, b) => a + b)).toBe(3_000_000)
})

test('onStdout of a managed process gets each of a hundred thousand lines', async () => {
  const lines: string[] = []
  const child = new ManagedProcess('seq', ['100000'], { onStdout: (line) => void lines.push(line) })
  await child.start()
  await child.wait()
  expect(lines).toEqual(Array.from({ length: 100_000 }, (_, i) => String(i + 1)))
})

test('a managed process is paused while onStdout waits, and an onStdout that throws is reported', () =>
  runLoop(async () => {
    const reports: string[] = []
    getEventLoop().setExceptionHandler((_, { message }) => reports.push(message))
    const heard: string[] = []
    const child = sh('echo a; echo b', {
      onStdout: async (line) => {
        await sleep(5)
        heard.push(line)
        throw new Error('listener')
      },
    })
    await child.start()
    await child.wait()
    expect(heard).toEqual(['a', 'b'])
    expect(reports).toEqual(Array.from({ length: 2 }, () => 'a listener to the lines of sh failed'))
  }))

test('write of a managed process sends a line to its stdin', async () => {
  const out = new Lines()
  await using child = new ManagedProcess('cat', [], { onStdout: out.push })
  await child.start()
  await child.write('one')
  await child.write('two')
  expect(await out.reach(2)).toEqual(['one', 'two'])
})

test('write to a managed process that is idle or has no stdin pipe throws an error that says why', async () => {
  const child = new ManagedProcess('cat', [], { stdin: 'ignore' })
  await expect(child.write('x')).rejects.toThrow('cannot write to cat: it is idle')
  await child.start()
  await expect(child.write('x')).rejects.toThrow('its stdin is no PIPE')
  expect(() => child.write(1 as never)).toThrow(new TypeError('write takes a string, got number 1'))
  await child.stop()
})

test('start of a managed process waits for the line on stdout or stderr by which it is ready', async () => {
  for (const place of ['', ' >&2']) {
    const out = new Lines()
    const script = `echo starting${place}; sleep 0.02; echo listening on 80${place}; exec sleep 60`
    await using child = sh(script, { onStdout: out.push, ready: /listening on \d+/g })
    const started = child.start()
    expect(child.state).toBe('starting')
    await started
    expect(child.state).toBe('running')
    if (place === '') expect(out.all).toContain('starting')
  }
  await using child = sh('echo 1; echo 2; exec sleep 60', { ready: (line) => line === '2' })
  await child.start()
})

test('start of a managed process that ends before it is ready throws, and it is not restarted', async () => {
  const child = sh('echo trying; exit 3', { ready: /ready/, restart: 'always' })
  const error = await child.start().catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(NotReadyError)
  expect(error).toMatchObject({ returncode: 3 })
  expect(child.restarts).toBe(0)
  expect(child.state).toBe('stopped')
})

test('a managed process that is not ready in time is stopped', async () => {
  const child = sh('exec sleep 60', { ready: /ready/, readyTimeout: 30 })
  await expect(child.start()).rejects.toBeInstanceOf(TimeoutError)
  expect(child.state).toBe('stopped')
  expect(children()).toEqual([])
})

test('start of a managed process without a program throws, and may be called again', async () => {
  const child = new ManagedProcess('no-such-program')
  await expect(child.start()).rejects.toBeInstanceOf(FileNotFoundError)
  expect(child.state).toBe('stopped')
  await expect(child.start()).rejects.toBeInstanceOf(FileNotFoundError)
  await expect(child.wait()).rejects.toThrow(
    new RuntimeError('no-such-program has no return code: it could not be started'),
  )
})

test("with restart 'on-failure' a managed process is restarted only after a failure", async () => {
  const out = new Lines()
  const failing = sh('echo hi; exit 1', {
    onStdout: out.push,
    restart: 'on-failure',
    backoff: { min: 1, max: 5 },
  })
  await failing.start()
  await out.reach(4)
  expect(failing.restarts).toBeGreaterThanOrEqual(3)
  expect(await failing.stop()).not.toBeNull()
  const fine = sh('exit 0', { restart: 'on-failure', backoff: { min: 1 } })
  await fine.start()
  expect(await fine.wait()).toBe(0)
  expect(fine.restarts).toBe(0)
})

test("with restart 'never' a managed process is never restarted, with 'always' after each end", async () => {
  const never = sh('exit 7')
  await never.start()
  expect(await never.wait()).toBe(7)
  expect(never.restarts).toBe(0)
  const out = new Lines()
  await using always = sh('echo hi', {
    onStdout: out.push,
    restart: 'always',
    backoff: { min: 1, max: 5 },
  })
  await always.start()
  await out.reach(3)
  expect(always.restarts).toBeGreaterThanOrEqual(2)
})

test('the waits between restarts of a managed process grow, and stop does not wait for a restart', async () => {
  const out = new Lines()
  const child = sh('echo hi; exit 1', {
    onStdout: out.push,
    restart: 'always',
    backoff: { min: 1, max: 1e9, factor: 1e8 },
  })
  await child.start()
  await out.reach(2)
  while (child.state !== 'backing-off') await sleep(1)
  expect(await child.stop()).toBe(1)
  expect(child.state).toBe('stopped')
  expect(out.all).toHaveLength(2)
})

test('stop of a managed process sends SIGTERM, and SIGKILL after killGrace', async () => {
  const polite = sh('trap "exit 5" TERM; echo ready; while :; do sleep 0.01; done', {
    ready: /ready/,
  })
  await polite.start()
  expect(await polite.stop()).toBe(5)
  const deaf = sh('trap "" TERM; echo ready; while :; do sleep 0.01; done', {
    ready: /ready/,
    killGrace: 30,
  })
  await deaf.start()
  expect(await deaf.stop()).toBe(-9)
  // A second stop gives the same code.
  expect(await deaf.stop()).toBe(-9)
  expect(children()).toEqual([])
})

test('restart of a managed process starts a new process', async () => {
  await using child = new ManagedProcess('sleep', ['60'])
  await child.start()
  const before = child.pid
  await child.restart()
  expect(child.pid).not.toBe(before)
  expect(child.restarts).toBe(1)
  expect(child.state).toBe('running')
})

test('start of a running managed process, and stop or wait before the start, throw', async () => {
  const child = new ManagedProcess('sleep', ['60'])
  await expect(child.stop()).rejects.toThrow('sleep was never started')
  await expect(child.wait()).rejects.toThrow('sleep was never started')
  await child.start()
  await expect(child.start()).rejects.toThrow('sleep cannot be started: it is running')
  await child.stop()
  await child.start()
  await child.stop()
})

test('disposal of a managed process that was not started ends at once', async () => {
  await using child = new ManagedProcess('sleep', ['60'])
  expect(child.state).toBe('idle')
})

test('a cancel of the start of a managed process stops the process', () =>
  runLoop(async () => {
    const child = sh('exec sleep 60', { ready: /never/ })
    const task = createTask(() => child.start())
    while (child.pid === null) await sleep(1)
    task.cancel()
    await wait([task])
    expect(task.cancelled()).toBe(true)
    expect(child.state).toBe('stopped')
    expect(children()).toEqual([])
  }))

test('disposal of a managed process waits for its end although the task was cancelled', () =>
  runLoop(async () => {
    const task = createTask(async () => {
      await using child = sh('trap "" TERM; echo ready; while :; do sleep 0.01; done', {
        ready: /ready/,
        killGrace: 60,
      })
      await child.start()
      await sleep(Infinity)
    })
    while (children().length === 0) await sleep(1)
    await sleep(30)
    task.cancel()
    await sleep(10)
    task.cancel()
    await wait([task])
    expect(children()).toEqual([])
  }))

test('an abort of the option signal stops a managed process without a restart', async () => {
  const controller = new AbortController()
  const child = new ManagedProcess('sleep', ['60'], {
    signal: controller.signal,
    restart: 'always',
  })
  await child.start()
  controller.abort()
  expect(await child.wait()).toBe(-15)
  expect(child.restarts).toBe(0)
})

test('the end of a run stops a managed process', async () => {
  await runLoop(async () => {
    await new ManagedProcess('sleep', ['60'], { restart: 'always' }).start()
  })
  expect(children()).toEqual([])
})

test('a managed process refuses wrong options at once', () => {
  const wrong = (options: object, message: string): void =>
    expect(() => new ManagedProcess('true', [], options)).toThrow(message)
  wrong({ restart: 'often' }, "restart must be 'never', 'on-failure' or 'always', got string often")
  wrong({ ready: 'x' }, 'ready must be a RegExp or a function, got string x')
  wrong({ onStdout: 1 }, 'onStdout must be a function, got number 1')
  wrong({ onStdout: () => {}, stdout: 'inherit' }, 'onStdout hears a PIPE')
  wrong({ readyTimeout: -1 }, 'readyTimeout must be 0 ms or more, got -1')
  wrong({ backoff: { min: NaN } }, 'backoff.min must be a number of milliseconds')
  wrong({ backoff: { factor: 0 } }, 'backoff.factor must be 1 or more, got number 0')
  expect(() => new ManagedProcess('')).toThrow(TypeError)
})

test('python() runs code and scripts', async () => {
  const out = new Lines()
  await using code = python('import sys\nfor line in sys.stdin: print("got", line.strip())', [], {
    onStdout: out.push,
  })
  await code.start()
  await code.write('hello')
  expect(await out.reach(1)).toEqual(['got hello'])
  const script = python(`${import.meta.dirname}/fixtures/arguments.py`, ['a', 'b c'], {
    onStdout: out.push,
  })
  await script.start()
  expect(await script.wait()).toBe(0)
  expect(out.all.slice(1)).toEqual(["['a', 'b c']"])
})

test('start of python() without python3 throws an error that says so', async () => {
  const child = python('1', [], { env: { PATH: '/no/such/folder' } })
  await expect(child.start()).rejects.toThrow('no such program on PATH: python3')
  expect(() => python(1 as never)).toThrow(TypeError)
})
