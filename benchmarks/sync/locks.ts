// Compares locks and queues with async-sema, async-mutex, p-limit, p-queue, fastq and effect, and with Python's asyncio if there
// is a python3. Run: node sync/locks.ts
import { spawnSync } from 'node:child_process'
import { type CoroutineGenerator, createTask, gather, run } from '@tasktree/core'
import { Lock, Semaphore } from '@tasktree/sync'
import { Mutex } from 'async-mutex'
import { Sema } from 'async-sema'
import { Effect, Semaphore as EffectSemaphore } from 'effect'
import pLimit from 'p-limit'
import PQueue from 'p-queue'
import { type Contest, contest } from '../contest.ts'
import { pipes, queues } from './queue-contests.ts'

const contenders = 100

/** Starts `n` uses of a lock in crowds of 100, and returns how many of them have called `done`. */
async function inCrowds(
  n: number,
  make: (done: () => void) => () => PromiseLike<unknown>,
): Promise<number> {
  let count = 0
  const use = make(() => count++)
  for (let i = 0; i < n; i += contenders) {
    await Promise.all(Array.from({ length: contenders }, use))
  }
  return count
}

function free(): Contest {
  const n = 100_000
  const lock = new Lock()
  const semaphore = new Semaphore(1)
  const sema = new Sema(1)
  const mutex = new Mutex()
  return {
    title: 'acquire + release, nobody else',
    against: 'async-sema',
    contestants: [
      {
        name: 'tasktree Lock, plain code',
        operations: n,
        work: async (n) => {
          let count = 0
          for (let i = 0; i < n; i++) {
            await lock.acquire()
            count++
            lock.release()
          }
          return count
        },
      },
      {
        name: 'tasktree Lock, in a task, `using`',
        operations: n,
        work: (n) =>
          run(async () => {
            let count = 0
            for (let i = 0; i < n; i++) {
              using _ = await lock.acquire()
              count++
            }
            return count
          }),
      },
      {
        name: 'tasktree Lock, in a generator',
        operations: n,
        work: (n) =>
          run(function* () {
            let count = 0
            for (let i = 0; i < n; i++) {
              const hold = yield* lock.acquire()
              count++
              hold.release()
            }
            return count
          }),
      },
      {
        name: 'tasktree Lock, acquireNowait',
        operations: n,
        work: async (n) => {
          let count = 0
          for (let i = 0; i < n; i++) {
            const hold = lock.acquireNowait()
            count++
            hold.release()
          }
          return count
        },
      },
      {
        name: 'tasktree Lock, runExclusive',
        operations: n,
        work: async (n) => {
          let count = 0
          for (let i = 0; i < n; i++) await lock.runExclusive(() => void count++)
          return count
        },
      },
      {
        name: 'tasktree Semaphore, plain code',
        operations: n,
        work: async (n) => {
          let count = 0
          for (let i = 0; i < n; i++) {
            await semaphore.acquire()
            count++
            semaphore.release()
          }
          return count
        },
      },
      {
        name: 'async-sema',
        operations: n,
        work: async (n) => {
          let count = 0
          for (let i = 0; i < n; i++) {
            await sema.acquire()
            count++
            sema.release()
          }
          return count
        },
      },
      {
        name: 'async-mutex',
        operations: 20_000,
        work: async (n) => {
          let count = 0
          for (let i = 0; i < n; i++) {
            const release = await mutex.acquire()
            count++
            release()
          }
          return count
        },
      },
      {
        name: 'async-mutex, runExclusive',
        operations: 20_000,
        work: async (n) => {
          let count = 0
          for (let i = 0; i < n; i++) await mutex.runExclusive(() => void count++)
          return count
        },
      },
      {
        name: 'effect Semaphore',
        operations: 20_000,
        work: (n) =>
          Effect.runPromise(
            Effect.gen(function* () {
              const semaphore = yield* EffectSemaphore.make(1)
              let count = 0
              const once = semaphore.withPermits(1)(
                Effect.sync(() => {
                  count++
                }),
              )
              for (let i = 0; i < n; i++) yield* once
              return count
            }),
          ),
      },
    ],
  }
}

function contended(): Contest {
  const n = 50_000
  const lock = new Lock()
  const semaphore = new Semaphore(1)
  const sema = new Sema(1)
  const limit = pLimit(1)
  const pQueue = new PQueue({ concurrency: 1 })
  const mutex = new Mutex()
  const use = (of: Lock | Semaphore, done: () => void) => async (): Promise<void> => {
    const hold = await of.acquire()
    done()
    hold.release()
  }
  return {
    title: '100 contenders for one lock, each',
    against: 'async-sema',
    contestants: [
      {
        name: 'tasktree Lock, plain code',
        operations: n,
        work: (n) => inCrowds(n, (done) => use(lock, done)),
      },
      {
        name: 'tasktree Semaphore, plain code',
        operations: n,
        work: (n) => inCrowds(n, (done) => use(semaphore, done)),
      },
      {
        name: 'tasktree Lock, a new task each',
        operations: n,
        work: (n) =>
          run(() =>
            inCrowds(n, (done) => {
              const body = use(lock, done)
              return () => createTask(body)
            }),
          ),
      },
      {
        name: 'tasktree Lock, a new generator task each',
        operations: n,
        work: (n) =>
          run(function* () {
            let count = 0
            const body = function* (): CoroutineGenerator<void> {
              const hold = yield* lock.acquire()
              count++
              hold.release()
            }
            for (let i = 0; i < n; i += contenders) {
              yield* gather(Array.from({ length: contenders }, () => body))
            }
            return count
          }),
      },
      {
        name: 'async-sema',
        operations: n,
        work: (n) =>
          inCrowds(n, (done) => async () => {
            await sema.acquire()
            done()
            sema.release()
          }),
      },
      {
        name: 'p-limit',
        operations: n,
        work: (n) => inCrowds(n, (done) => () => limit(async () => done())),
      },
      {
        name: 'p-queue',
        operations: 20_000,
        work: (n) => inCrowds(n, (done) => () => pQueue.add(async () => done())),
      },
      {
        name: 'async-mutex',
        operations: 20_000,
        work: (n) =>
          inCrowds(n, (done) => async () => {
            const release = await mutex.acquire()
            done()
            release()
          }),
      },
      {
        name: 'effect Semaphore, a fiber each',
        operations: 20_000,
        work: (n) =>
          Effect.runPromise(
            Effect.gen(function* () {
              const semaphore = yield* EffectSemaphore.make(1)
              let count = 0
              const once = semaphore.withPermits(1)(
                Effect.sync(() => {
                  count++
                }),
              )
              const crowd = Array.from({ length: contenders }, () => once)
              for (let i = 0; i < n; i += contenders) {
                yield* Effect.all(crowd, { concurrency: 'unbounded', discard: true })
              }
              return count
            }),
          ),
      },
    ],
  }
}

/** Measures what it costs to pass a lock on: 100 loops take the same lock again and again. */
function passedOn(): Contest {
  const n = 50_000
  const lock = new Lock()
  const sema = new Sema(1)
  return {
    title: '100 loops that pass one lock on, a turn',
    against: 'async-sema',
    contestants: [
      {
        name: 'tasktree Lock, plain code',
        operations: n,
        work: async (n) => {
          let count = 0
          const loop = async (): Promise<void> => {
            for (let i = 0; i < n / contenders; i++) {
              const hold = await lock.acquire()
              count++
              hold.release()
            }
          }
          await Promise.all(Array.from({ length: contenders }, loop))
          return count
        },
      },
      {
        name: 'tasktree Lock, generator tasks',
        operations: n,
        work: (n) =>
          run(function* () {
            let count = 0
            const loop = function* (): CoroutineGenerator<void> {
              for (let i = 0; i < n / contenders; i++) {
                const hold = yield* lock.acquire()
                count++
                hold.release()
              }
            }
            yield* gather(Array.from({ length: contenders }, () => loop))
            return count
          }),
      },
      {
        name: 'async-sema',
        operations: n,
        work: async (n) => {
          let count = 0
          const loop = async (): Promise<void> => {
            for (let i = 0; i < n / contenders; i++) {
              await sema.acquire()
              count++
              sema.release()
            }
          }
          await Promise.all(Array.from({ length: contenders }, loop))
          return count
        },
      },
    ],
  }
}

const contests = [free(), contended(), queues(), pipes(), passedOn()]
const python = process.env['PYTHON'] ?? 'python3'

function asyncio(): [string, string, number][] {
  const script = new URL('locks.py', import.meta.url).pathname
  const { stdout } = spawnSync(python, [script], { encoding: 'utf8' })
  const figures = stdout.split(' ').map(Number)
  // The Python script prints a figure for each contest but the last, so the figures are fewer than the contests.
  return figures.map((figure, i) => [contests[i]?.title ?? '', 'asyncio', figure])
}

const hasPython = spawnSync(python, ['--version']).status === 0
console.log(await contest(contests, hasPython ? asyncio : undefined))
