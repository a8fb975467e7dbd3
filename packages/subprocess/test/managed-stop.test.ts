import {
  allTasks,
  CancelledError,
  createTask,
  Future,
  getEventLoop,
  run as runLoop,
  sleep,
  TimeoutError,
  wait,
  waitFor,
} from '@tasktree/core'
import {
  ManagedProcess,
  type ManagedProcessOptions,
  NotReadyError,
  STDOUT,
} from '@tasktree/subprocess'
import { mkdtempSync, rmSync, symlinkSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { children } from './support/system.ts'

const sleeper = (options?: ManagedProcessOptions): ManagedProcess =>
  new ManagedProcess('sleep', ['60'], options)

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  )

/** Runs `body`, and returns the messages with which the loop's exception handler was called. */
async function reported(body: () => Promise<void>): Promise<string[]> {
  const messages: string[] = []
  await runLoop(async () => {
    getEventLoop().setExceptionHandler((_, { message }) => {
      messages.push(message)
    })
    await body()
  })
  return messages
}

test('a stop in the turn of the start ends a managed process', async () => {
  const child = sleeper()
  const started = failure(child.start())
  expect(await child.stop()).toBe(-15)
  expect(await started).toBeInstanceOf(NotReadyError)
  expect(child.state).toBe('stopped')
  expect(children()).toEqual([])
})

test('an abort in the turn of the start, or before it, cancels the start of a managed process', async () => {
  const controller = new AbortController()
  const child = sleeper({ signal: controller.signal })
  const started = failure(child.start())
  controller.abort()
  expect(await started).toBeInstanceOf(CancelledError)
  expect(await child.wait()).toBe(-15)
  expect(await failure(child.start())).toBeInstanceOf(CancelledError)
})

test('a stop during a restart stops a managed process, and the restart throws', async () => {
  const child = sleeper()
  await child.start()
  const restarted = failure(child.restart())
  expect(await child.stop()).toBe(-15)
  expect(await restarted).toMatchObject({
    name: 'RuntimeError',
    message: expect.stringContaining('stopped while it was restarted') as string,
  })
  expect(child.state).toBe('stopped')
  expect(children()).toEqual([])
})

test('of two restarts of a managed process at once the first throws and the second is done', async () => {
  await using child = sleeper()
  await child.start()
  const [first, second] = await Promise.all([failure(child.restart()), failure(child.restart())])
  expect(first).toMatchObject({ name: 'RuntimeError' })
  expect(second).toBeNull()
  expect(child.state).toBe('running')
  expect(child.restarts).toBe(1)
  expect(children()).toHaveLength(1)
})

test('restart of a managed process does not wait for its back-off', async () => {
  await using child = new ManagedProcess('sh', ['-c', 'exit 3'], {
    restart: 'always',
    backoff: { min: 1e9, max: 1e9 },
  })
  await child.start()
  while (child.state !== 'backing-off') await sleep(1)
  await child.restart()
  expect(child.restarts).toBe(1)
  while (child.state !== 'backing-off') await sleep(1)
  expect(await child.stop()).toBe(3)
})

test('an onStdout that never settles does not hold up the stop, gets no more lines, and is reported', async () => {
  const heard: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const messages = await reported(async () => {
    const child = new ManagedProcess('sh', ['-c', 'echo one; echo two; exec sleep 60'], {
      killGrace: 20,
      onStdout: async (line) => {
        heard.push(line)
        await promise
      },
    })
    await child.start()
    while (heard.length === 0) await sleep(1)
    expect(await child.stop()).toBe(-15)
    expect(child.state).toBe('stopped')
    resolve()
    await sleep(0)
  })
  expect(heard).toEqual(['one'])
  expect(messages).toEqual(['a listener to the lines of sh did not settle: the rest is not heard'])
})

test('a timeout of other work inside onStdout does not stop or restart the managed process', async () => {
  const heard: unknown[] = []
  const child = new ManagedProcess('sh', ['-c', 'echo one; echo two; exec sleep 60'], {
    restart: 'always',
    onStdout: async (line) => {
      heard.push(line, await failure(waitFor(sleep(Infinity), 5)))
    },
  })
  await child.start()
  while (heard.length < 4) await sleep(1)
  expect(child.restarts).toBe(0)
  expect(await child.stop()).toBe(-15)
  expect(heard.filter((each) => typeof each === 'string')).toEqual(['one', 'two'])
  expect(heard.filter((each) => each instanceof TimeoutError)).toHaveLength(2)
})

test('a slow onStdout gets all lines that were written before the stop', async () => {
  const heard: string[] = []
  const child = new ManagedProcess('sh', ['-c', 'echo one; echo two; echo three; exec sleep 60'], {
    ready: /three/,
    onStdout: async (line) => {
      heard.push(line)
      await sleep(5)
    },
  })
  await child.start()
  await child.stop()
  expect(heard).toEqual(['one', 'two', 'three'])
})

test('an onStdout that waits for the stop of its own managed process is given up and reported', async () => {
  const messages = await reported(async () => {
    const child: ManagedProcess = new ManagedProcess('sh', ['-c', 'echo one; exec sleep 60'], {
      killGrace: 20,
      onStdout: async () => {
        await child.stop()
      },
    })
    await child.start()
    expect(await child.wait()).toBe(-15)
  })
  expect(messages).toHaveLength(1)
})

test('a line for which `ready` throws goes to onStdout too', async () => {
  const heard: string[] = []
  const messages = await reported(async () => {
    const child = new ManagedProcess('sh', ['-c', 'echo one; echo two'], {
      onStdout: (line) => void heard.push(line),
      ready: (line) => {
        if (line === 'one') throw new Error('a mistake')
        return true
      },
    })
    await child.start()
    await child.wait()
  })
  expect(heard).toEqual(['one', 'two'])
  expect(messages).toEqual(['a listener to the lines of sh failed'])
})

test('an onStdout that throws the cancel of other work is reported as failed', async () => {
  const heard: string[] = []
  const messages = await reported(async () => {
    const child = new ManagedProcess('sh', ['-c', 'echo one; echo two'], {
      onStdout: async (line) => {
        heard.push(line)
        const work = new Future<void>()
        work.cancel()
        await work
      },
    })
    await child.start()
    expect(await child.wait()).toBe(0)
  })
  expect(heard).toEqual(['one', 'two'])
  expect(messages).toHaveLength(2)
})

test(
  'a run ends although its end cancels a managed process in any turn of a restart',
  { tags: ['slow'] },
  async () => {
    // The test cancels in each turn of the start of the process.
    for (let turns = 0; turns < 12; turns++) {
      const child = new ManagedProcess('false', [], {
        restart: 'always',
        backoff: { min: 0 },
        stdout: 'pipe',
        stderr: STDOUT,
      })
      const messages = await reported(async () => {
        await child.start()
        while (child.state !== 'starting' || child.restarts === 0) await sleep(0)
        for (let i = 0; i < turns; i++) await sleep(0)
      })
      expect([turns, child.state, messages]).toEqual([turns, 'stopped', []])
    }
    expect(children()).toEqual([])
  },
)

test('the start of a managed process ends when the task of the process is cancelled in any turn', async () => {
  for (let turns = 0; turns < 12; turns++) {
    const child = sleeper({ ready: /never/, stdout: 'pipe', stderr: STDOUT })
    const started = failure(child.start())
    for (let i = 0; i < turns; i++) await sleep(0)
    for (const task of allTasks()) task.cancel()
    // The cancel may have ended the process, or may have come before the process began.
    expect((await started)?.constructor).toBeOneOf([CancelledError, NotReadyError])
    expect(child.state).toBe('stopped')
  }
  expect(children()).toEqual([])
})

test('a start that is cancelled in the turn in which it fails reports nothing', async () => {
  const messages = await reported(async () => {
    const timers = vi.spyOn(getEventLoop(), 'callLater')
    const readyTimeout = 60_000
    const child = sleeper({ ready: /never/, readyTimeout })
    const task = createTask(() => child.start())
    const timer = (): (() => void) | undefined =>
      timers.mock.calls.find(([ms]) => ms === readyTimeout)?.[1]
    while (timer() === undefined) await sleep(1)
    timer()?.()
    task.cancel()
    await wait([task])
    expect(task.cancelled()).toBe(true)
    expect(child.state).toBe('stopped')
  })
  expect(messages).toEqual([])
})

test('a managed process that cannot be restarted keeps its last exit code', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'subprocess-'))
  const program = join(folder, 'program')
  symlinkSync('/bin/false', program)
  try {
    const messages = await reported(async () => {
      const child = new ManagedProcess(program, [], {
        restart: 'on-failure',
        backoff: { min: 1, max: 1 },
      })
      await child.start()
      unlinkSync(program)
      const before = child.restarts
      while (child.restarts < before + 3) await sleep(1)
      expect(await child.stop()).toBe(1)
    })
    expect(new Set(messages)).toEqual(new Set([`${program} could not be started again`]))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.each<[string, (child: ManagedProcess) => Promise<void>, ManagedProcessOptions, number]>([
  ['while it ran', (child) => child.start(), {}, -15],
  [
    'while it waited to be started again',
    async (child) => {
      await child.start()
      while (child.state !== 'backing-off') await sleep(1)
    },
    { timeout: 10, restart: 'always', backoff: { min: 60_000 } },
    -15,
  ],
  [
    'before it was ready',
    async (child) => {
      void failure(child.start())
      while (child.pid === null) await sleep(1)
    },
    { ready: /never/ },
    -15,
  ],
])(
  'wait and stop give the exit code after the run that started a managed process has ended %s',
  async (_, begin, options, code) => {
    const child = sleeper(options)
    await runLoop(() => begin(child))
    expect(child.state).toBe('stopped')
    const ask = (): Promise<number[]> => Promise.all([child.wait(), child.stop()])
    expect(await ask()).toEqual([code, code])
    expect(await runLoop(ask)).toEqual([code, code])
    await child[Symbol.asyncDispose]()
    expect(children()).toEqual([])
  },
)

test('a managed process can be restarted and stopped outside of the run that started it', async () => {
  const child = sleeper()
  await runLoop(() => child.start())
  await child.restart()
  expect(child.state).toBe('running')
  expect(await runLoop(() => child.stop())).toBe(-15)
  expect(children()).toEqual([])
})

test('a cancel of the task that runs a process does not cancel a task that waits for the process', () =>
  runLoop(async () => {
    const child = sleeper()
    await child.start()
    const waiting = createTask(() => child.wait())
    await sleep(0)
    for (const task of allTasks()) if (task.name === 'process sleep') task.cancel()
    expect(await waiting).toBe(-15)
  }))
