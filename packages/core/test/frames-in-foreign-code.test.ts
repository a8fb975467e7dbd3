import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import {
  createTask,
  ensureFuture,
  getRunningLoop,
  sleep,
  timeout,
  TimeoutError,
} from '@tasktree/core'
import { describe, expect, test } from 'vitest'
import { program } from './support/program.ts'
import { virtual } from './support/virtual.ts'

type Work = () => Promise<unknown>

const storage = new AsyncLocalStorage<number>()

async function* turns(work: Work): AsyncGenerator {
  try {
    yield 1
    yield await work()
  } finally {
    await sleep(1)
  }
}

/** Runs `work` when `schedule` calls the callback that it gets. */
function later(schedule: (callback: () => void) => void, work: Work): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  schedule(() => void work().then(resolve, reject))
  return promise
}

/** Ways in which a program calls its own code through other code. Each keeps the asynchronous context of the caller. */
const ways: [string, (work: Work) => Promise<unknown>][] = [
  ['storage.run', async (work) => storage.run(1, work)],
  ['storage.exit', async (work) => storage.exit(work)],
  [
    'storage.enterWith',
    async (work) => {
      storage.enterWith(1)
      await sleep(0)
      storage.enterWith(2)
      return work()
    },
  ],
  ['AsyncLocalStorage.snapshot', async (work) => AsyncLocalStorage.snapshot()(work)],
  ['AsyncLocalStorage.bind', async (work) => AsyncLocalStorage.bind(work)()],
  ['AsyncResource.bind', async (work) => AsyncResource.bind(work)()],
  ['runInAsyncScope', async (work) => new AsyncResource('test').runInAsyncScope(work)],
  [
    'an async generator',
    async (work) => {
      const seen: unknown[] = []
      for await (const turn of turns(work)) seen.push(turn)
      return seen
    },
  ],
  ['queueMicrotask', async (work) => later(queueMicrotask, work)],
  ['process.nextTick', async (work) => later((callback) => process.nextTick(callback), work)],
  ['setImmediate', async (work) => later(setImmediate, work)],
  [
    'an event listener',
    async (work) => {
      const emitter = new EventEmitter()
      const ended = new Promise((resolve, reject) => {
        emitter.on('go', () => void work().then(resolve, reject))
      })
      emitter.emit('go')
      return ended
    },
  ],
]

describe('a cancel reaches a body that runs its work through', () => {
  for (const [name, through] of ways) {
    virtual(`${name}: a timeout ends this body but not the one beside it`, async () => {
      const log: string[] = []
      const begin = getRunningLoop().time()
      const note = (what: string): void =>
        void log.push(`${what} ${getRunningLoop().time() - begin}`)
      const branch = async (): Promise<void> => {
        await through(() => sleep(20))
        note('beside')
      }
      const struck = async (): Promise<void> => {
        const limited = timeout(5, () => through(() => sleep(10_000)))
        await expect(limited).rejects.toBeInstanceOf(TimeoutError)
        note('struck')
      }
      await Promise.all([struck(), branch()])
      expect(log.map((line) => line.split(' ')[0])).toEqual(['struck', 'beside'])
      expect(Number(log[0]?.split(' ')[1])).toBeLessThanOrEqual(6)
    })

    virtual(`${name}: a cancel of the task ends both branches`, async () => {
      const task = createTask(async () => {
        await Promise.all([through(() => sleep(10_000)), through(() => sleep(20_000))])
      })
      await sleep(5)
      task.cancel()
      await expect(task).rejects.toThrow(expect.objectContaining({ code: 'ERR_CANCELLED' }))
      expect(getRunningLoop().time()).toBeLessThan(100)
    })
  }

  virtual('a generator coroutine: a timeout ends one branch but not the others', async () => {
    const task = createTask(function* () {
      const limited = ensureFuture(timeout(5, () => sleep(10_000)))
      const beside = ensureFuture(sleep(20, 'beside'))
      const other = createTask(function* () {
        yield* sleep(20)
        return 'other'
      })
      let error: unknown
      try {
        yield* limited
      } catch (thrown) {
        error = thrown
      }
      return [error instanceof TimeoutError, yield* beside, yield* other]
    })
    expect(await task).toEqual([true, 'beside', 'other'])
  })
})

test(
  'in a worker thread, a timeout ends only its own branch, and a task can be cancelled',
  { tags: ['slow'] },
  async () => {
    const { code, output } = await program(`
    import { Worker } from 'node:worker_threads'
    const source = ${JSON.stringify(`
      import { run, sleep, timeout, createTask } from '@tasktree/core'
      import { parentPort } from 'node:worker_threads'
      await run(async () => {
        const results = await Promise.all([
          timeout(5, () => sleep(10_000)).catch((error) => error.name),
          sleep(20, 'beside'),
        ])
        const task = createTask(() => sleep(10_000))
        await sleep(1)
        task.cancel()
        results.push(await task.catch((error) => error.name))
        parentPort.postMessage(results)
      })
    `)}
    await core.run(async () => {
      const results = await new Promise((resolve, reject) => {
        const w = new Worker(source, { eval: true, execArgv: ['--conditions=@tasktree/source', '--input-type=module'] })
        w.once('message', resolve)
        w.once('error', reject)
      })
      console.log(JSON.stringify(results))
    })`)
    expect([code, output]).toEqual([0, '["TimeoutError","beside","CancelledError"]\n'])
  },
)
