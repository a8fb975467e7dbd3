// Locks and queues beside async-sema, async-mutex, p-limit, p-queue, fastq, effect, and Python's asyncio where there
// is a python3. Run: node sync/locks.ts
import { spawnSync } from 'node:child_process'
import { createTask, run } from '@tasktree/core'
import { Lock, Queue, Semaphore } from '@tasktree/sync'
import { Mutex } from 'async-mutex'
import { Sema } from 'async-sema'
import { Effect, Queue as EffectQueue, Semaphore as EffectSemaphore } from 'effect'
import fastq from 'fastq'
import pLimit from 'p-limit'
import PQueue from 'p-queue'
import { nanoseconds, table } from '../measure.ts'

const contenders = 100

/** `n` uses by 100 at a time. */
async function inRounds(n: number, use: () => PromiseLike<unknown>): Promise<void> {
  for (let i = 0; i < n; i += contenders) {
    await Promise.all(Array.from({ length: contenders }, use))
  }
}

async function free(): Promise<(string | number)[][]> {
  const n = 300_000
  const lock = new Lock()
  const ours = await nanoseconds(n, async (n) => {
    let count = 0
    for (let i = 0; i < n; i++) {
      await lock.acquire()
      count++
      lock.release()
    }
    return count
  })
  const inTask = await run(() =>
    nanoseconds(n, async (n) => {
      let count = 0
      for (let i = 0; i < n; i++) {
        using _ = await lock.acquire()
        count++
      }
      return count
    }),
  )
  const semaphore = new Semaphore(1)
  const ourSemaphore = await nanoseconds(n, async (n) => {
    let count = 0
    for (let i = 0; i < n; i++) {
      await semaphore.acquire()
      count++
      semaphore.release()
    }
    return count
  })
  const sema = new Sema(1)
  const asyncSema = await nanoseconds(n, async (n) => {
    let count = 0
    for (let i = 0; i < n; i++) {
      await sema.acquire()
      count++
      sema.release()
    }
    return count
  })
  const mutex = new Mutex()
  const asyncMutex = await nanoseconds(20_000, async (n) => {
    let count = 0
    for (let i = 0; i < n; i++) {
      const release = await mutex.acquire()
      count++
      release()
    }
    return count
  })
  const effect = await nanoseconds(50_000, (n) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const semaphore = yield* EffectSemaphore.make(1)
        let count = 0
        for (let i = 0; i < n; i++) {
          yield* semaphore.withPermits(1)(
            Effect.sync(() => {
              count++
            }),
          )
        }
        return count
      }),
    ),
  )
  return [
    ['tasktree Lock, plain code', ours],
    ['tasktree Lock, in a task, `using`', inTask],
    ['tasktree Semaphore, plain code', ourSemaphore],
    ['async-sema', asyncSema],
    ['async-mutex', asyncMutex],
    ['effect Semaphore', effect],
    ...asyncio(0),
  ]
}

async function contended(): Promise<(string | number)[][]> {
  const n = 100_000
  const lock = new Lock()
  const use = (lock: Lock | Semaphore, done: () => void) => async (): Promise<void> => {
    const hold = await lock.acquire()
    done()
    hold.release()
  }
  const counted = async (
    n: number,
    make: (done: () => void) => () => PromiseLike<unknown>,
  ): Promise<number> => {
    let count = 0
    await inRounds(
      n,
      make(() => count++),
    )
    return count
  }
  const ours = await nanoseconds(n, (n) => counted(n, (done) => use(lock, done)))
  const tasks = await run(() =>
    nanoseconds(20_000, (n) =>
      counted(n, (done) => {
        const body = use(lock, done)
        return () => createTask(body)
      }),
    ),
  )
  const semaphore = new Semaphore(1)
  const ourSemaphore = await nanoseconds(n, (n) => counted(n, (done) => use(semaphore, done)))
  const sema = new Sema(1)
  const asyncSema = await nanoseconds(n, (n) =>
    counted(n, (done) => async () => {
      await sema.acquire()
      done()
      sema.release()
    }),
  )
  const limit = pLimit(1)
  const limited = await nanoseconds(n, (n) => counted(n, (done) => () => limit(async () => done())))
  const pQueue = new PQueue({ concurrency: 1 })
  const queued = await nanoseconds(20_000, (n) =>
    counted(n, (done) => () => pQueue.add(async () => done())),
  )
  const mutex = new Mutex()
  const asyncMutex = await nanoseconds(20_000, (n) =>
    counted(n, (done) => async () => {
      const release = await mutex.acquire()
      done()
      release()
    }),
  )
  const effect = await nanoseconds(20_000, (n) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const semaphore = yield* EffectSemaphore.make(1)
        let count = 0
        const once = semaphore.withPermits(1)(
          Effect.sync(() => {
            count++
          }),
        )
        for (let i = 0; i < n; i += contenders) {
          yield* Effect.all(
            Array.from({ length: contenders }, () => once),
            {
              concurrency: 'unbounded',
              discard: true,
            },
          )
        }
        return count
      }),
    ),
  )
  return [
    ['tasktree Lock, plain code', ours],
    ['tasktree Semaphore, plain code', ourSemaphore],
    ['tasktree Lock, a new task each', tasks],
    ['async-sema', asyncSema],
    ['p-limit', limited],
    ['p-queue', queued],
    ['async-mutex', asyncMutex],
    ['effect Semaphore, a fiber each', effect],
    ...asyncio(1),
  ]
}

async function queues(): Promise<(string | number)[][]> {
  const n = 200_000
  const queue = new Queue<number>()
  const ours = (): Promise<number> =>
    nanoseconds(n, async (n) => {
      let count = 0
      for (let i = 0; i < n; i++) {
        await queue.put(1)
        count += await queue.get()
      }
      return count
    })
  const plain = await ours()
  const inTask = await run(ours)
  const worker = fastq.promise(async (item: number) => item, 1)
  const fast = await nanoseconds(n, async (n) => {
    let count = 0
    for (let i = 0; i < n; i++) count += await worker.push(1)
    return count
  })
  const effect = await nanoseconds(50_000, (n) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const queue = yield* EffectQueue.unbounded<number>()
        let count = 0
        for (let i = 0; i < n; i++) {
          yield* EffectQueue.offer(queue, 1)
          count += yield* EffectQueue.take(queue)
        }
        return count
      }),
    ),
  )
  return [
    ['tasktree Queue, plain code', plain],
    ['tasktree Queue, in a task', inTask],
    ['fastq push (a job, awaited)', fast],
    ['effect Queue', effect],
    ...asyncio(2),
  ]
}

async function pipes(): Promise<(string | number)[][]> {
  const ours = await run(() =>
    nanoseconds(100_000, async (n) => {
      const queue = new Queue<number>({ maxsize: 10 })
      const producer = createTask(async () => {
        for (let i = 0; i < n; i++) await queue.put(1)
      })
      let count = 0
      for (let i = 0; i < n; i++) count += await queue.get()
      await producer
      return count
    }),
  )
  const effect = await nanoseconds(20_000, (n) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const queue = yield* EffectQueue.bounded<number>(10)
        const produce = Effect.gen(function* () {
          for (let i = 0; i < n; i++) yield* EffectQueue.offer(queue, 1)
        })
        yield* Effect.forkChild(produce)
        let count = 0
        for (let i = 0; i < n; i++) count += yield* EffectQueue.take(queue)
        return count
      }),
    ),
  )
  return [
    ['tasktree Queue of 10, two tasks', ours],
    ['effect Queue of 10, two fibers', effect],
    ...asyncio(3),
  ]
}

let python: number[] | null = null

function asyncio(column: number): (string | number)[][] {
  if (python === null) {
    const script = new URL('locks.py', import.meta.url).pathname
    const { stdout } = spawnSync(process.env['PYTHON'] ?? 'python3', [script], { encoding: 'utf8' })
    python = (stdout ?? '').split(' ').map(Number)
  }
  const value = python[column]
  return value === undefined ? [] : [['asyncio', value]]
}

for (const [title, rows] of [
  ['acquire + release, nobody else', await free()],
  ['100 contenders for one lock, each', await contended()],
  ['put + get', await queues()],
  ['a producer and a consumer with room for 10, an item', await pipes()],
] as const) {
  console.log(`\n${table([title, 'ns'], rows)}`)
}
