import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createTask,
  failAfter,
  Future,
  getRunningLoop,
  isCancelled,
  sleep,
  sleepForever,
  TimeoutError,
} from '@tasktree/core'
import {
  jobs,
  JobSerializationError,
  ProcessPoolExecutor,
  reportProgress,
  workerSignal,
} from '@tasktree/executor'
import {
  connect,
  PayloadTooLarge,
  PoisonedJob,
  QueueFull,
  remoteJobs,
  ResultTooLarge,
  traceparent,
  UnknownJob,
} from '@tasktree/nats'
import type * as Tasks from './fixtures/tasks.ts'
import { expect, test } from 'vitest'
import { isAlive } from '../../../vitest.processes.ts'
import { square } from './support/history.ts'
import { startNode } from './support/node.ts'
import { describeWithServer } from './support/server.ts'
import { inTree, until } from './support/tree.ts'
import { thrown } from '../../../vitest.thrown.ts'

const home = {
  add: (a: number, b: number): number => a + b,
  fail: (text: string): never => {
    throw new RangeError(text)
  },
  failLong: (length: number): never => {
    throw new RangeError(`begin ${'x'.repeat(length)}`)
  },
  echo: (value: unknown): unknown => value,
  trace: (): string | null => traceparent.get(),
  forever: async (): Promise<void> => sleepForever(),
  grow: (size: number): Uint8Array => new Uint8Array(size),
  count: function* (n: number): Generator<number, string> {
    for (let i = 0; i < n; i++) yield i
    return 'counted'
  },
  progress: async (n: number): Promise<string> => {
    for (let i = 1; i <= n; i++) reportProgress(i)
    return 'done'
  },
  untilAborted: async (): Promise<void> => {
    const signal = workerSignal()
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  },
}
const far = remoteJobs<typeof home>('home')
const folder = mkdtempSync(join(tmpdir(), 'tasktree nats jobs-'))
const fixture = new URL('./fixtures/tasks.ts', import.meta.url)
const tasks = jobs<typeof Tasks>(fixture)

async function list<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describeWithServer('jobs', (server) => {
  test(
    'a job runs at a worker, and its result or its error comes back',
    { tags: 'slow' },
    async () => {
      await inTree(
        server.newCluster(),
        (cluster) => [cluster.worker('q', { home }, { concurrency: 4 })],
        async (cluster) => {
          const executor = cluster.executor('q')
          const job = executor.submit(far.add, 1, 2)
          await job.accepted
          expect(await job).toBe(3)
          const error = await thrown(executor.submit(far.fail, 'no'))
          expect(error).toBeInstanceOf(RangeError)
          expect((error as Error).message).toBe('no')
          expect((error as Error).stack).toMatch(/--- submitted ---[^]*jobs\.test\.ts/)
          for (const chunksize of [1, 2]) {
            const results = executor.map(far.fail, ['no'], { chunksize })
            const mapped = await thrown(results[Symbol.asyncIterator]().next())
            expect((mapped as Error).stack).toMatch(/--- submitted ---[^]*jobs\.test\.ts/)
          }
          const value = new Map([['a', [1n, new Date(0)]]])
          expect(await executor.submit(far.echo, value)).toEqual(value)
          expect(executor.stats).toMatchObject({ completed: 3, failed: 2, running: 0 })
          await until(async () => {
            const { queues } = await cluster.snapshot()
            return queues['q']?.waiting === 0 && queues['q'].running === 0
          }, 'an empty stream')
        },
      )
    },
  )

  test('a generator job gives its return value, and its yielded values are not sent', async () => {
    await inTree(
      server.newCluster(),
      (cluster) => [cluster.worker('q', { home })],
      async (cluster) => {
        const job = cluster.executor('q').submit(far.count, 3)
        expect(await job).toBe('counted')
        expect(() => job[Symbol.asyncIterator]()).toThrow(/do not travel/)
      },
    )
  })

  test('the progress of a job comes back while the job runs', async () => {
    await inTree(
      server.newCluster(),
      (cluster) => [cluster.worker('q', { home })],
      async (cluster) => {
        const seen: unknown[] = []
        const job = cluster.executor('q').submit(far.progress, 3)
        job.onProgress((value) => seen.push(value))
        expect(await job).toBe('done')
        expect(seen).toEqual([1, 2, 3])
      },
    )
  })

  test('map gives the results in order, in chunks as well', { tags: 'slow' }, async () => {
    await inTree(
      server.newCluster(),
      (cluster) => [cluster.worker('q', { home }, { concurrency: 4 })],
      async (cluster) => {
        const executor = cluster.executor('q')
        const items = [1, 2, 3, 4, 5, 6, 7]
        expect(await list(executor.map(far.echo, items))).toEqual(items)
        expect(await list(executor.map(far.echo, items, { chunksize: 3 }))).toEqual(items)
        const failing = executor.map(far.fail, ['a', 'b'], { chunksize: 2 })
        expect(await thrown(list(failing))).toBeInstanceOf(RangeError)
      },
    )
  })

  test(
    'a worker with a process pool runs jobs of a module, and remoteJobs() and jobs() name the same job',
    { tags: 'slow' },
    async () => {
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1 })
      expect(await pool.submit(tasks.square, 3)).toBe(9)
      await inTree(
        server.newCluster(),
        (cluster) => [cluster.worker('q', { tasks: fixture }, { executor: pool })],
        async (cluster) => {
          const executor = cluster.executor('q')
          expect(await executor.submit(tasks.square, 4)).toBe(16)
          // The trace context reaches the process of the pool.
          traceparent.set('00-a-b-01')
          expect(await executor.submit(tasks.trace)).toBe('00-a-b-01')
          traceparent.set(null)
          expect(await executor.submit(tasks.trace)).toBeNull()
        },
      )
    },
  )

  test('a cancel ends the child processes of a job', { tags: 'slow' }, async () => {
    const file = join(folder, 'nest')
    // With this grace the worker of the pool has enough time to end its child, even on a busy machine.
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, cancelGrace: 15_000 })
    await inTree(
      server.newCluster(),
      (cluster) => [cluster.worker('q', { tasks: fixture }, { executor: pool })],
      async (cluster) => {
        const job = cluster.executor('q').submit(tasks.nest, file)
        await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '', 'the child')
        const pid = Number(readFileSync(file, 'utf8'))
        expect(isAlive(pid)).toBe(true)
        job.cancel()
        expect(isCancelled(await thrown(job))).toBe(true)
        await until(() => !isAlive(pid), 'the end of the child')
        // The worker takes further jobs.
        expect(await cluster.executor('q').submit(tasks.square, 5)).toBe(25)
      },
    )
  })

  test(
    'a cancelled task cancels the job that it awaits, at the worker as well',
    { tags: 'slow' },
    async () => {
      let begun = 0
      let ended = 0
      const slow = {
        wait: async (): Promise<void> => {
          begun++
          try {
            await sleepForever()
          } finally {
            ended++
          }
        },
      }
      await inTree(
        server.newCluster(),
        (cluster) => [cluster.worker('q', { slow })],
        async (cluster) => {
          const executor = cluster.executor('q')
          const ref = remoteJobs<typeof slow>('slow').wait
          const late = failAfter(Infinity, async (scope) => {
            const job = executor.submit(ref)
            await until(() => begun === 1, 'the begin of the job')
            scope.deadline = getRunningLoop().time()
            await job
          })
          expect(await thrown(late)).toBeInstanceOf(TimeoutError)
          await until(() => ended === 1, 'the end of the job')
          const task = createTask(() => executor.submit(ref))
          await until(() => begun === 2, 'the begin of the job')
          task.cancel()
          await until(() => ended === 2, 'the end of the job')
        },
      )
    },
  )

  test('a job that is cancelled while it waits in the queue never starts', async () => {
    const ran: number[] = []
    const gate = new Future<void>()
    const gated = {
      work: async (n: number): Promise<void> => {
        ran.push(n)
        await gate
      },
    }
    const { work } = remoteJobs<typeof gated>('gated')
    await inTree(
      server.newCluster(),
      (cluster) => [cluster.worker('q', { gated })],
      async (cluster) => {
        const executor = cluster.executor('q')
        const first = executor.submit(work, 1)
        await until(() => ran.length === 1, 'the first job')
        const second = executor.submit(work, 2)
        const third = executor.submit(work, 3)
        await second.accepted
        await third.accepted
        second.cancel()
        await until(async () => (await cluster.snapshot()).queues['q']?.waiting === 1, 'the cancel')
        gate.setResult()
        await first
        await third
        expect(ran).toEqual([1, 3])
      },
    )
  })

  test(
    'a delayed job begins after its delay, and never begins if it was cancelled',
    { tags: 'slow' },
    async () => {
      await inTree(
        server.newCluster(),
        (cluster) => [cluster.worker('q', { home })],
        async (cluster) => {
          const executor = cluster.executor('q')
          const dropped = executor.with({ delay: 400 }).submit(far.add, 1, 1)
          await dropped.accepted
          dropped.cancel()
          const start = performance.now()
          expect(await executor.with({ delay: 500 }).submit(far.add, 2, 2)).toBe(4)
          expect(performance.now() - start).toBeGreaterThan(495)
          const { queues } = await cluster.snapshot()
          expect(queues['q']?.delayed).toBe(0)
        },
      )
    },
  )

  test('two submissions with the same id run one job', async () => {
    let runs = 0
    const counted = { work: (): number => ++runs }
    const { work } = remoteJobs<typeof counted>('counted')
    await inTree(
      server.newCluster(),
      (cluster) => [cluster.worker('q', { counted })],
      async (cluster) => {
        const executor = cluster.executor('q').with({ id: 'once' })
        expect(await executor.submit(work)).toBe(1)
        expect(await executor.submit(work)).toBe(1)
      },
    )
  })

  test(
    'two programs that submit the same id at the same time get the result of one job',
    { tags: 'slow' },
    async () => {
      let runs = 0
      const gate = new Future<void>()
      const counted = {
        work: async (): Promise<number> => {
          runs++
          await gate
          return runs
        },
      }
      const { work } = remoteJobs<typeof counted>('counted')
      const where = server.newCluster()
      await inTree(
        where,
        (cluster) => [cluster.worker('q', { counted }, { concurrency: 2 })],
        async (cluster) => {
          await using other = await connect(where)
          const jobs = [cluster, other].map((each) =>
            each.executor('q').with({ id: 'once' }).submit(work),
          )
          await Promise.all(jobs.map((job) => job.accepted))
          await until(() => runs > 0, 'the begin of the job')
          gate.setResult()
          expect(await Promise.all(jobs)).toEqual([1, 1])
        },
      )
    },
  )

  test(
    'a job has the deadline and the trace context of the scope that submitted it',
    { tags: 'slow' },
    async () => {
      await inTree(
        server.newCluster(),
        (cluster) => [cluster.worker('q', { home })],
        async (cluster) => {
          const executor = cluster.executor('q')
          const id = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
          traceparent.set(id)
          expect(await executor.submit(far.trace)).toBe(id)
          traceparent.set(null)
          expect(await executor.submit(far.trace)).toBeNull()
          const hasty = cluster.executor('q', { deadline: 300 })
          const error = await thrown(hasty.submit(far.forever))
          expect((error as Error).name).toBe('TimeoutError')
          // The worker is free again.
          expect(await executor.submit(far.add, 1, 1)).toBe(2)
        },
      )
    },
  )

  test(
    'a job waits for a worker that knows it, and fails with UnknownJob if no such worker comes',
    { tags: 'slow' },
    async () => {
      await inTree(
        server.newCluster(),
        (cluster) => [cluster.worker('q', { home }, { unknownAfter: 200 })],
        async (cluster) => {
          const executor = cluster.executor('q')
          const error = await thrown(executor.submit(remoteJobs<typeof home>('other').add, 1, 1))
          expect(error).toBeInstanceOf(UnknownJob)
          expect((error as Error).message).toMatch(
            /knows the job other#add: .* has the modules home/,
          )
          const version = remoteJobs<typeof home>('home', { version: '2' })
          expect(await thrown(executor.submit(version.add, 1, 1))).toBeInstanceOf(UnknownJob)
        },
      )
    },
  )

  test(
    'a job that crashes its workers is tried again, and then becomes a dead letter',
    { tags: 'slow' },
    async () => {
      const file = join(folder, 'crash')
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1 })
      await inTree(
        server.newCluster(),
        (cluster) => [
          cluster.worker(
            'q',
            { tasks: fixture },
            { executor: pool, maxDeliver: 2, backoff: () => 1 },
          ),
        ],
        async (cluster) => {
          const error = await thrown(cluster.executor('q').submit(tasks.crash, file))
          expect(error).toBeInstanceOf(PoisonedJob)
          expect(readFileSync(file, 'utf8')).toBe('xx')
          await until(async () => (await cluster.snapshot()).deadLetters === 1, 'the dead letter')
          await until(async () => (await cluster.snapshot()).queues['q']?.running === 0, 'the end')
        },
      )
    },
  )

  test('a result or arguments above the size limit of the server fail the job with an error that says so', async () => {
    await inTree(
      server.newCluster(),
      (cluster) => [cluster.worker('q', { home })],
      async (cluster) => {
        const executor = cluster.executor('q')
        const large = await thrown(executor.submit(far.grow, 2_000_000))
        expect(large).toBeInstanceOf(ResultTooLarge)
        const text = await thrown(executor.submit(far.failLong, 2_000_000))
        expect(text).toBeInstanceOf(RangeError)
        expect((text as Error).message).toMatch(/^begin x+… \(19\d+ more characters\)$/)
        const args = await thrown(executor.submit(far.echo, new Uint8Array(2_000_000)))
        expect(args).toBeInstanceOf(PayloadTooLarge)
        expect((args as Error).message).toMatch(/the job home#echo has 2000\d\d\d bytes/)
        expect(await thrown(executor.submit(far.echo, () => 1))).toBeInstanceOf(
          JobSerializationError,
        )
        expect(() => executor.submit(() => 1)).toThrow(/a function's source is not sent/)
      },
    )
  })

  test('a job for a queue that is full fails with QueueFull', async () => {
    await using cluster = await connect(server.newCluster())
    const executor = cluster.executor('q', { capacity: 2 })
    const taken = [executor.submit(far.add, 1, 1), executor.submit(far.add, 1, 1)]
    await Promise.all(taken.map((job) => job.accepted))
    const refused = executor.submit(far.add, 1, 1)
    expect(await thrown(refused)).toBeInstanceOf(QueueFull)
    expect(await thrown(refused.accepted)).toBeInstanceOf(QueueFull)
    await executor.shutdown({ cancelFutures: true })
    for (const job of taken) expect(isCancelled(await thrown(job))).toBe(true)
  })

  test(
    'a worker that stops lets its jobs end, and gives back jobs that take too long',
    { tags: 'slow' },
    async () => {
      const where = server.newCluster()
      const log: string[] = []
      const long = {
        work: async (ms: number): Promise<string> => {
          log.push('begun')
          await sleep(ms)
          return 'ended'
        },
      }
      const { work } = remoteJobs<typeof long>('long')
      await using submitter = await connect(where)
      const executor = submitter.executor('q')
      const short = executor.submit(work, 300)
      await inTree(
        where,
        (cluster) => [cluster.worker('q', { long }, { concurrency: 2, shutdown: 1_000 })],
        async () => {
          await until(() => log.length === 1, 'the first job')
          void executor.submit(work, 30_000).catch(() => {})
          await until(() => log.length === 2, 'the second job')
        },
      )
      expect(await short).toBe('ended')
      const { queues } = await submitter.snapshot()
      // The server counts a job that was given back as running until a worker takes it.
      expect(queues['q']).toEqual({ waiting: 0, running: 1, delayed: 0 })
      await executor.shutdown({ cancelFutures: true })
    },
  )

  test(
    'a job whose worker program ends runs again at the next worker',
    { tags: 'slow' },
    async () => {
      const where = server.newCluster()
      const log = join(folder, 'ended')
      writeFileSync(log, '')
      await using submitter = await connect(where)
      const job = submitter.executor('q').submit(square, 3)
      // Long enough that only the worker itself can have given the job back.
      const ackWait = 60_000
      {
        await using first = await startNode('worker', { ...where, log, work: 60_000, ackWait })
        await until(() => readFileSync(log, 'utf8') !== '', 'the begin of the job')
        first.kill('SIGTERM')
        await once(first.child, 'exit')
      }
      await using _ = await startNode('worker', { ...where, log, ackWait })
      expect(await job).toBe(9)
      expect(readFileSync(log, 'utf8')).toBe('3\n3\n')
    },
  )

  test('a worker with wrong arguments is refused at the call', async () => {
    await using cluster = await connect(server.newCluster())
    const { worker } = { worker: cluster.worker.bind(cluster) as (...args: unknown[]) => unknown }
    expect(() => worker('', {})).toThrow(/the queue must be a text/)
    expect(() => worker('q', [])).toThrow(/the modules of a worker must be an object/)
    expect(() => worker('q', { 'a b': home })).toThrow(/"a b" is not the name of a module/)
    expect(() => worker('q', { a: 7 })).toThrow(/the module a must be a URL or an object/)
    expect(() => worker('q', { home }, { concurrency: 0 })).toThrow(/concurrency/)
    expect(() => worker('q', { home }, { ackWait: 5 })).toThrow(/ackWait/)
    expect(() => worker('q', { home }, { unheard: 5 })).toThrow(/unheard/)
    await using pool = new ProcessPoolExecutor()
    expect(() => worker('q', { home }, { executor: pool })).toThrow(/handlers, which run in this/)
  })
})
