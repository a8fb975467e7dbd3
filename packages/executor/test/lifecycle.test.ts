import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { JobEvent } from '@tasktree/executor'
import { describe, expect, test } from 'vitest'
import { bundled } from './support/bundled.ts'
import { kinds, refs } from './support/kinds.ts'
import { isAlive } from '../../../vitest.processes.ts'
import { testWhere } from '../../../vitest.skips.ts'

/** The message of the tracing channel when a job has ended. */
interface Ended {
  readonly job: string
  readonly worker: number | null
  readonly cancelled?: boolean
  readonly error?: Error
}

const program = fileURLToPath(bundled('program.js'))

function start(
  what: string,
  kind: string,
  env: NodeJS.ProcessEnv = process.env,
): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, ['--conditions=@tasktree/source', program, what, kind], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env,
  })
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return { child, output: () => text }
}

async function endOf(pid: number): Promise<void> {
  while (isAlive(pid)) await delay(10)
}

/** Returns the number of processes whose environment contains `mark`. */
async function countMarked(mark: string): Promise<number> {
  let count = 0
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    // The process may have ended, or may belong to another user.
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
    if (environment.includes(mark)) count++
  }
  return count
}

testWhere(
  process.platform === 'linux',
  'processes are counted through /proc, which only Linux has',
).for(
  kinds.flatMap(({ name }) => [
    { name, what: 'broken', expected: "Set(1) { 'BrokenExecutor' }\n0\n" },
    { name, what: 'shutDown', expected: 'true 0\n' },
    { name, what: 'busy', expected: /^\d+\n$/ },
  ]),
)(
  'a pool of $name leaves no process when its program ends: $what',
  { tags: ['slow'] },
  async ({ name, what, expected }) => {
    const mark = `EXECUTOR_TEST_MARK=${randomUUID()}`
    const [key, value] = mark.split('=') as [string, string]
    const { child, output } = start(what, name, { ...process.env, [key]: value })
    if (what === 'busy') {
      while (!output().endsWith('\n')) await delay(10)
      expect(await countMarked(mark)).toBe(name === 'threads' ? 1 : 2)
      child.kill('SIGINT')
    }
    await once(child, 'close')
    expect(output()).toMatch(expected)
    while ((await countMarked(mark)) > 0) await delay(10)
  },
)

test(
  'a SIGABRT that a job sends to its own process ends the program of a thread, and only the job of a worker process',
  { tags: ['slow'] },
  async () => {
    const thread = start('abort', 'threads')
    const [, signal] = (await once(thread.child, 'close')) as [number | null, string | null]
    expect([signal, thread.output()]).toEqual(['SIGABRT', ''])
    const own = start('abort', 'processes')
    await once(own.child, 'close')
    expect(own.output()).toBe('WorkerCrashedError\n3\n')
  },
)

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ name, make }) => {
  test('an idle pool lets the process exit', async () => {
    const { child, output } = start('idle', name)
    const [code] = (await once(child, 'close')) as [number]
    expect({ code, output: output() }).toEqual({ code: 0, output: '3\n' })
  })

  test('a pending job keeps the process alive', async () => {
    const { child, output } = start('pending', name)
    await once(child, 'close')
    expect(output()).toBe('done\n')
  })

  test.for(['SIGINT', 'SIGKILL'] as const)(
    'no worker is left when the program is ended by %s in the middle of an endless job',
    async (signal) => {
      const { child, output } = start('busy', name)
      while (!output().endsWith('\n')) await delay(10)
      await delay(50)
      child.kill(signal)
      await once(child, 'close')
      await endOf(Number(output()))
    },
  )

  test('no worker is left after a shutdown, or after the initializer has broken the pool', async () => {
    const pool = make({ maxWorkers: 2 })
    const pid = await pool.submit(() => process.pid)
    await pool.shutdown()
    if (pid !== process.pid) expect(isAlive(pid)).toBe(false)
    const broken = make({
      maxWorkers: 4,
      minWorkers: 4,
      initializer: () => {
        throw new Error('no')
      },
    })
    await expect(broken.submit(refs.add, 1, 1)).rejects.toThrow('initializer')
    await broken.shutdown()
    expect(broken.stats.workers).toBe(0)
  })

  test('the diagnostics channels report each job', async () => {
    const events: string[] = []
    const note = (what: string) => (message: unknown) => {
      const { future, worker } = message as JobEvent
      events.push(`${what} ${worker} ${future.done() ? 'done' : 'pending'}`)
    }
    const listeners = ['submit', 'start', 'end'].map((what) => {
      const listener = note(what)
      const messages = channel(`tasktree:executor:${what}`)
      messages.subscribe(listener)
      return () => messages.unsubscribe(listener)
    })
    try {
      await using pool = make({ maxWorkers: 1 })
      await pool.submit(refs.add, 1, 1)
      expect(events).toEqual(['submit null pending', 'start 1 pending', 'end 1 done'])
      await expect(pool.submit(refs.failOddly)).rejects.toThrow('odd')
      expect(events.slice(3)).toEqual(['submit null pending', 'start 1 pending', 'end 1 done'])
    } finally {
      for (const unsubscribe of listeners) unsubscribe()
    }
  })

  test('the trace of a job and the diagnostics channel of its end name the worker', async () => {
    const ends: (number | null)[] = []
    const traced: string[] = []
    const noteEnd = (message: unknown): void => void ends.push((message as JobEvent).worker)
    const noteTrace = (message: unknown): void => {
      const { job, worker, cancelled, error } = message as Ended
      traced.push(`${job} ${worker} ${cancelled === true ? 'cancelled' : (error?.name ?? 'ended')}`)
    }
    const [channelOfEnds, traces] = [
      channel('tasktree:executor:end'),
      channel('tracing:tasktree:executor.job:asyncEnd'),
    ]
    channelOfEnds.subscribe(noteEnd)
    traces.subscribe(noteTrace)
    try {
      const pool = make({ maxWorkers: 1, cancelGrace: 20 })
      await pool.submit(refs.add, 1, 1)
      await pool.submit(refs.failOddly).catch(() => {})
      const [running, waiting] = [pool.submit(refs.spin), pool.submit(refs.echo, 1)]
      while (pool.stats.running === 0) await delay(1)
      waiting.cancel()
      running.cancel()
      await pool.submit(refs.exit, 3).catch(() => {})
      const last = [refs.spin, refs.spin].map((job) => pool.submit(job))
      while (pool.stats.running === 0) await delay(1)
      await pool.shutdown({ cancelFutures: true })
      expect(await Promise.allSettled(last)).toHaveLength(2)
    } finally {
      channelOfEnds.unsubscribe(noteEnd)
      traces.unsubscribe(noteTrace)
    }
    expect(traced).toEqual([
      'add 1 ended',
      'failOddly 1 OddError',
      'echo null cancelled',
      'spin 1 cancelled',
      'exit 2 WorkerCrashedError',
      'spin null cancelled',
      'spin 3 cancelled',
    ])
    expect(ends).toEqual([1, 1, null, 1, 2, null, 3])
  })
})

testWhere(process.platform !== 'win32', 'ulimit is a command of Unix shells').for(kinds)(
  'a pool of $name that has no free file descriptor breaks, and the program goes on',
  { tags: ['slow'] },
  async ({ name }) => {
    const node = [process.execPath, '--conditions=@tasktree/source', program]
    const limited = ['-c', 'ulimit -n 120 && exec "$@"', 'sh', ...node, 'no descriptor', name]
    const { stdout } = await promisify(execFile)('sh', limited)
    expect(stdout).toBe('BrokenExecutor\n3\n')
  },
)
