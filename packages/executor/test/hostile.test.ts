// Tests that a value that throws when it is read, or that cannot be sent, fails only its own job.
import { gather } from '@tasktree/core'
import {
  type JobRefs,
  jobs as refer,
  JobSerializationError,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from '@tasktree/executor'
import { describe, expect, test } from 'vitest'
import type * as hostile from './fixtures/hostile.ts'
import { hostileValues } from './fixtures/hostile.ts'
import { bundled } from './support/bundled.ts'
import { explainUncloneable } from '../src/jobs/explain-uncloneable.ts'
import { kinds, refs } from './support/kinds.ts'

const ways: JobRefs<typeof hostile> = refer<typeof hostile>(bundled('hostile.js'))
const classOf = (value: unknown): string => typeof value
const fail = (error: unknown): unknown => error
const increment = (n: number): number => n + 1
const depth = (value: unknown): number => {
  let count = 0
  for (let each = value; Array.isArray(each); each = each[0] as unknown) count++
  return count
}
/** Returns `length` nested arrays. */
const nest = (length: number): unknown => {
  let head: unknown = null
  for (let i = 0; i < length; i++) head = [head]
  return head
}

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ make }) => {
  test('an argument that cannot be cloned fails only its job, with the path to the value', async () => {
    await using pool = make({ maxWorkers: 1 })
    // No worker has started yet, so the pool sends the first job from a microtask.
    for (const { make: makeValue } of hostileValues) {
      const job = pool.submit(classOf, makeValue())
      await expect(job).rejects.toBeInstanceOf(JobSerializationError)
      await expect(job).rejects.toThrow(/^cannot send the job: args\[0\]/)
    }
    // The pool learns that this kind of job is short, and sends several of them in one message.
    for (let i = 0; i < 20; i++) await pool.submit(increment, i)
    for (const { make: makeValue } of hostileValues) {
      const jobs = [1, 2, 3, makeValue(), 4, 5].map((value) =>
        pool.submit(increment, value as number),
      )
      const ends = await Promise.all(jobs.map((job) => job.catch(fail)))
      expect(ends[3]).toBeInstanceOf(JobSerializationError)
      expect(ends.toSpliced(3, 1)).toEqual([2, 3, 4, 5, 6])
    }
    expect(pool.stats.crashed).toBe(0)
  })

  test('a result, yielded value, progress, error or error property that cannot be cloned fails only its job', async () => {
    await using pool = make({ maxWorkers: 1 })
    for (const [index] of hostileValues.entries()) {
      const before = pool.submit(increment, 1)
      const jobs: PromiseLike<unknown>[] = [
        pool.submit(ways.giveHostile, index),
        pool.submit(ways.yieldHostile, index),
        pool.submit(ways.reportHostile, index),
        pool.submit(ways.throwHostile, index),
        pool.submit(ways.throwWithHostile, index),
      ]
      const after = pool.submit(increment, 2)
      const ends = await Promise.all(jobs.map(async (job) => job.then((value) => value, fail)))
      for (const end of ends.slice(0, 4)) expect(end).toBeInstanceOf(JobSerializationError)
      expect(ends[4]).toBeInstanceOf(RangeError)
      expect(ends[4]).toMatchObject({ message: 'mine' })
      expect(await gather([before, after])).toEqual([2, 3])
    }
    expect(pool.stats.crashed).toBe(0)
  })

  test('values that a stream has yielded before a value that cannot be cloned arrive', async () => {
    await using pool = make({ maxWorkers: 1 })
    const got: unknown[] = []
    const reading = async (): Promise<void> => {
      const job = pool.submit(function* (): Generator {
        yield 'a'
        yield 'b'
        yield () => {}
      })
      for await (const value of job) got.push(value)
    }
    await expect(reading).rejects.toBeInstanceOf(JobSerializationError)
    expect(got).toEqual(['a', 'b'])
  })

  test('an error with parts that throw when they are read arrives with its readable parts', async () => {
    await using pool = make({ maxWorkers: 1 })
    const failures: [() => never, object][] = [
      [
        () => {
          const error = new Error('one')
          throw Object.defineProperty(error, 'p', {
            enumerable: true,
            get() {
              throw new Error('in')
            },
          })
        },
        { message: 'one', p: '(cannot be read: in)' },
      ],
      [
        () => {
          const error = new Error('two')
          Object.assign(error, { message: Symbol('m') })
          throw error
        },
        { message: 'Symbol(m)' },
      ],
      [
        () => {
          class Odd extends RangeError {}
          Object.assign(Odd.prototype, { constructor: undefined })
          throw new Odd('three')
        },
        { message: 'three' },
      ],
      [
        () => {
          throw new Proxy(new TypeError('four'), {
            ownKeys() {
              throw new Error('no keys')
            },
          })
        },
        { message: 'four' },
      ],
    ]
    for (const [job, expected] of failures) {
      await expect(pool.submit(job)).rejects.toMatchObject(expected)
    }
    expect(pool.stats.crashed).toBe(0)
  })

  test('an error with thousands of nested causes arrives with all causes', async () => {
    await using pool = make({ maxWorkers: 1 })
    const failure = pool.submit(() => {
      let error = new Error('0')
      for (let i = 1; i <= 5_000; i++) error = new Error(String(i), { cause: error })
      throw error
    })
    let error: unknown = await failure.catch(fail)
    let count = 0
    for (; error instanceof Error; error = error.cause) count++
    expect(count).toBe(5_001)
  })

  test('an argument, result or yielded value that is nested too deeply fails only its job', async () => {
    await using pool = make({ maxWorkers: 1 })
    const list = (length: number): unknown => {
      let head: unknown = null
      for (let i = 0; i < length; i++) head = { i, next: head }
      return head
    }
    const stream = function* (length: number): Generator {
      yield 'a'
      let head: unknown = null
      for (let i = 0; i < length; i++) head = { i, next: head }
      yield head
      yield 'b'
    }
    const isFailure = (end: unknown): boolean => end instanceof JobSerializationError
    for (let round = 0; round < 3; round++) {
      expect(await pool.submit(list, 30_000).catch(fail)).toSatisfy(isFailure)
      expect(await pool.submit(increment, 1)).toBe(2)
      expect(await pool.submit(stream, 4_000).catch(fail)).toSatisfy(
        (end) => isFailure(end) || end === undefined,
      )
      expect(await pool.submit(increment, 2)).toBe(3)
      // The pool sends the other jobs of the same message again, without the job that cannot be sent.
      const jobs = [1, list(30_000), 2, 3].map((value) => pool.submit(classOf, value))
      const ends = await Promise.all(jobs.map((job) => job.catch(fail)))
      expect(ends[1]).toSatisfy(isFailure)
      expect(ends.toSpliced(1, 1)).toEqual(['number', 'number', 'number'])
    }
    expect(pool.stats.crashed).toBe(0)
  })

  test('a deeply nested value either arrives whole or fails its job, and no worker crashes', async () => {
    await using pool = make({ maxWorkers: 1 })
    for (let length = 500; length < 16_000; length = Math.round(length * 1.3)) {
      const jobs = [pool.submit(depth, nest(length)), pool.submit(nest, length)]
      const [there, back] = await Promise.all(jobs.map((job) => job.catch(fail)))
      expect(there).toSatisfy((end) => end === length || end instanceof JobSerializationError)
      expect(back).toSatisfy((end) => Array.isArray(end) || end instanceof JobSerializationError)
      expect(await pool.submit(increment, length)).toBe(length + 1)
    }
    expect(pool.stats.crashed).toBe(0)
  })

  test('a map item that the worker cannot read fails alone, and the other items of its chunk give results', async () => {
    await using pool = make({ maxWorkers: 1 })
    const collect = async (items: unknown[], chunksize: number): Promise<unknown[]> => {
      const ends: unknown[] = []
      try {
        for await (const kind of pool.map(classOf, items, { chunksize })) ends.push(kind)
      } catch (error) {
        ends.push(error instanceof JobSerializationError ? 'too deep' : error)
      }
      return ends
    }
    for (let length = 2_000; length < 6_000; length += 400) {
      // To read objects takes more stack than to write them. So only the worker refuses some of these items.
      let list: unknown = null
      for (let i = 0; i < length; i++) list = { list }
      const items = [1, 'two', list, 4]
      expect(await collect(items, 4)).toEqual(await collect(items, 1))
    }
    expect(pool.stats.crashed).toBe(0)
  })

  test('an error that holds a value nested too deeply arrives without the value, from map in chunks as well', async () => {
    await using pool = make({ maxWorkers: 1 })
    const failDeeply = (length: number): number => {
      if (length < 10) return length
      let list: unknown = null
      for (let i = 0; i < length; i++) list = { list }
      throw Object.assign(new RangeError('mine'), { list, length })
    }
    for (const length of [400, 3_000, 6_000, 12_000]) {
      for (const chunksize of [1, 3]) {
        const read: number[] = []
        const reading = async (): Promise<void> => {
          for await (const n of pool.map(failDeeply, [1, 2, length], { chunksize })) read.push(n)
        }
        const error = await reading().catch(fail)
        expect(error).toBeInstanceOf(RangeError)
        expect(error).toMatchObject({ message: 'mine', length })
        expect(read).toEqual([1, 2])
      }
    }
    expect(pool.stats.crashed).toBe(0)
  })

  test.for([undefined, null, 0, ''])(
    'a job that throws %o fails with the same value whether map sends it alone or in a chunk',
    async (thrown) => {
      await using pool = make({ maxWorkers: 1 })
      const ends: unknown[] = []
      for (const chunksize of [1, 2]) {
        const reading = async (): Promise<void> => {
          for await (const _ of pool.map(refs.throwValue, [thrown], { chunksize }));
        }
        ends.push(await reading().catch(fail))
      }
      expect(ends[1]).toEqual(ends[0])
    },
  )

  test('a map result nested too deeply for the pool fails alone, and the other results of its chunk arrive', async () => {
    await using pool = make({ maxWorkers: 1 })
    const collect = async (items: number[], chunksize: number): Promise<unknown[]> => {
      const ends: unknown[] = []
      try {
        for await (const value of pool.map(nest, items, { chunksize })) ends.push(depth(value))
      } catch (error) {
        ends.push(error instanceof JobSerializationError ? 'too deep' : error)
      }
      return ends
    }
    let refused = 0
    for (const length of [400, 3_000, 6_000, 12_000]) {
      const items = [1, 2, length, 3, length + 1, 4]
      const single = await collect(items, 1)
      if (single.includes('too deep')) refused++
      for (const chunksize of [2, 10]) expect(await collect(items, chunksize)).toEqual(single)
      expect(await pool.submit(increment, length)).toBe(length + 1)
    }
    expect(refused).toBeGreaterThan(0)
    expect(pool.stats.crashed).toBe(0)
  })

  test('a getter of an argument may submit jobs to the pool and cancel the job of the argument', async () => {
    await using pool = make({ maxWorkers: 1 })
    await pool.submit(increment, 0)
    const inner: PromiseLike<number>[] = []
    const value = {
      get x(): number {
        inner.push(pool.submit(increment, inner.length))
        return 1
      },
    }
    expect(await pool.submit(classOf, value)).toBe('object')
    expect(await Promise.all(inner)).toEqual(inner.map((_, i) => i + 1))
    const cancelled: boolean[] = []
    const killerOf = (victim: { cancel(): boolean }): object => ({
      get x(): number {
        cancelled.push(victim.cancel())
        return 1
      },
    })
    // `near` may have ended before the getter is called, because the pool sends the two jobs together only after short jobs.
    const near = pool.submit(increment, 1)
    await Promise.allSettled([near, pool.submit(classOf, killerOf(near))])
    expect(cancelled[0]).toBe(near.cancelled())
    expect(await pool.submit(increment, 4)).toBe(5)
    await using two = make({ maxWorkers: 2 })
    const before = cancelled.length
    const far = two.submit(refs.pause, 60_000)
    await Promise.allSettled([far, two.submit(classOf, killerOf(far))])
    expect(cancelled[before]).toBe(true)
    expect(far.cancelled()).toBe(true)
    expect(await two.submit(increment, 4)).toBe(5)
  })

  test('messages that a job itself posts to its parent do not disturb the pool', async () => {
    await using pool = make({ maxWorkers: 1 })
    const post = async (): Promise<string> => {
      const { parentPort } = await import('node:worker_threads')
      for (const value of ['text', 7, null, { type: 'ready' }, [1, 0, 0, 'forged']]) {
        parentPort?.postMessage(value)
      }
      return 'posted'
    }
    expect(await pool.submit(post)).toBe('posted')
    expect(await pool.submit(increment, 1)).toBe(2)
    expect(pool.stats).toMatchObject({ completed: 2, failed: 0, crashed: 0 })
  })
})

test('a value nested too deeply is reported after one attempt to send it', () => {
  let value: unknown = null
  for (let i = 0; i < 1_000; i++) value = { value }
  let sent = 0
  const refuse = (): never => {
    sent++
    throw new RangeError('Maximum call stack size exceeded')
  }
  const error = new RangeError('Maximum call stack size exceeded')
  expect(explainUncloneable(value, 'args', refuse, error)).toMatch(/^args is nested too deeply/)
  expect(sent).toBe(1)
})

test(
  'a job that writes into the pipe between its worker process and the pool fails',
  { tags: ['slow'] },
  async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1 })
    const write = async (): Promise<void> => {
      const { writeSync } = await import('node:fs')
      writeSync(4, 'this is not a frame of the pool')
      await new Promise(() => {})
    }
    await expect(pool.submit(write)).rejects.toThrow(/was ended by SIGKILL.*file descriptor 4/)
    expect(await pool.submit(increment, 1)).toBe(2)
  },
)

test(
  'a WebAssembly.Module reaches a job in a thread, and is refused for a process',
  { tags: ['slow'] },
  async () => {
    const { WebAssembly } = globalThis as unknown as {
      WebAssembly: { Module: new (bytes: Uint8Array) => object }
    }
    const module = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
    const show = (value: unknown): string => Object.prototype.toString.call(value)
    await using processes = new ProcessPoolExecutor({ maxWorkers: 1 })
    await expect(processes.submit(show, { module })).rejects.toThrow(/args\[0\]\.module is/)
    await using threads = new ThreadPoolExecutor({ maxWorkers: 1 })
    expect(await threads.submit(show, module)).toBe('[object WebAssembly.Module]')
  },
)

describe('an argument whose decoding kills the worker', { tags: ['slow'] }, () => {
  test('fails its job after it has killed two workers, and the jobs sent with it run', async () => {
    await using pool = new ThreadPoolExecutor({
      maxWorkers: 1,
      resourceLimits: { maxOldGenerationSizeMb: 24 },
    })
    for (let i = 0; i < 5; i++) await pool.submit(classOf, i)
    const large = Array.from({ length: 1_000_000 }, (_, i) => ({ i, s: `k${i}` }))
    const jobs = [1, large, 2].map((value) => pool.submit(classOf, value))
    const ends = await Promise.all(jobs.map((job) => job.catch(fail)))
    expect(ends[0]).toBe('number')
    expect(ends[1]).toMatchObject({
      name: 'WorkerCrashedError',
      message: expect.stringContaining('while it received this job') as string,
    })
    expect(ends[2]).toBe('number')
    expect(pool.stats.crashed).toBe(2)
  })

  test('does not fail another job that is running', async () => {
    await using pool = new ThreadPoolExecutor({
      maxWorkers: 1,
      resourceLimits: { maxOldGenerationSizeMb: 24 },
    })
    for (let i = 0; i < 5; i++) await pool.submit(refs.pause, 0)
    for (let i = 0; i < 20; i++) await pool.submit(classOf, i)
    const running = pool.submit(refs.pause, 300)
    const large = Array.from({ length: 1_000_000 }, (_, i) => ({ i, s: `k${i}` }))
    const poison = pool.submit(classOf, large)
    expect(await running).toBe(1)
    await expect(poison).rejects.toMatchObject({ name: 'WorkerCrashedError' })
    expect(pool.stats.crashed).toBe(2)
  })
})
