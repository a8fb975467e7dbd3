import { createTask, run as runLoop, sleep, wait } from '@tasktree/core'
import {
  $,
  createSubprocessShell,
  DEVNULL,
  ManagedProcess,
  PIPE,
  run,
  STDOUT,
} from '@tasktree/subprocess'
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { children, pipes } from './support/system.ts'

/** The number of starts: 300 by default. SUBPROCESS_SPAWNS=1000 runs more. */
const spawns = Number(process.env['SUBPROCESS_SPAWNS'] ?? 300)

const input = Buffer.alloc(300_000, 'x')
const signals = ['exit', 'SIGINT', 'SIGTERM', 'SIGHUP']

const kinds: ((signal: AbortSignal) => Promise<unknown>)[] = [
  // This call can be cancelled while it writes, while it reads, and when the child exits.
  () => run('cat', [], { input }),
  () => run('sh', ['-c', 'sleep 0.01']),
  (signal) => run('sh', ['-c', 'echo begun; sleep 7171 & wait'], { signal }),
  async () => {
    await using child = await createSubprocessShell('cat', {
      stdin: PIPE,
      stdout: PIPE,
      stderr: PIPE,
    })
    child.stdin?.write(input)
    await child.stdin?.drain()
    await child.stdout?.readLine()
  },
  async () => {
    // Without a scope the process still ends with its task.
    const child = await createSubprocessShell('yes', { stdin: DEVNULL, stdout: PIPE })
    for await (const _ of child.stdout ?? []) await sleep(0)
  },
  async () => {
    for await (const _ of $`yes`.pipe($`cat`).lines()) await sleep(0)
  },
  () => $`sleep 7171`.pipe($`cat`).text(),
  () => run('sh', ['-c', 'echo a; echo b >&2; sleep 0.01'], { stderr: STDOUT }),
  async () => {
    for await (const _ of $`sh -c ${'yes & yes >&2'}`) await sleep(0)
  },
  () => run('sleep', ['7171'], { stdio: 'inherit' }),
  async () => {
    await using child = await createSubprocessShell('echo 1; sleep 7171', {
      stdin: DEVNULL,
      stdout: PIPE,
    })
    await child.communicate(undefined, { timeout: 5 }).catch(() => {})
    await child.communicate(undefined, { timeout: 60_000 })
  },
  async () => {
    await using child = new ManagedProcess('sh', ['-c', 'echo 1; sleep 0.003; exit 1'], {
      restart: 'always',
      backoff: { min: 1, max: 2 },
      onStdout: () => {},
    })
    await child.start()
    await sleep(Infinity)
  },
]

test(
  'a cancel at any moment leaves no child, zombie, file descriptor or listener',
  { tags: ['slow'] },
  () =>
    runLoop(
      async () => {
        const controller = new AbortController()
        await run('true')
        const count = (): unknown => ({
          children: children().length,
          pipes: pipes(),
          listeners: signals.map((name) => process.listenerCount(name)),
          aborts: getEventListeners(controller.signal, 'abort').length,
        })
        const before = count()
        // The delays use small primes, so that each kind is cancelled at many moments between its start and its end.
        for (let i = 0; i < spawns; i += 10) {
          const tasks = Array.from({ length: 10 }, (_, j) => {
            const kind = kinds[(i + j) % kinds.length] as (typeof kinds)[number]
            return createTask(() => kind(controller.signal))
          })
          for (const [j, task] of tasks.entries()) {
            const delay = ((i + j) * 7) % 23
            task.getLoop().callLater(delay === 0 ? 0 : delay - 1, () => task.cancel())
          }
          await wait(tasks)
          for (const task of tasks) if (!task.cancelled()) task.exception()
        }
        while (children().length > 0) await sleep(5)
        for (let i = 0; i < 200 && JSON.stringify(count()) !== JSON.stringify(before); i++)
          await sleep(10)
        expect(count()).toEqual(before)
      },
      { handleSignals: false },
    ),
)
