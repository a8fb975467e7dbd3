// Tests that a receiver gets the value that was sent, and that the value then belongs to the receiver.
import {
  JobSerializationError,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  transfer,
} from '@tasktree/executor'
import { BlockList } from 'node:net'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { kinds, refs } from './support/kinds.ts'

const views = [
  new Uint8Array([1, 2, 3]),
  new Int32Array([1, 2, 3]),
  new Float64Array([0.5, 2]),
  new BigInt64Array([1n, 2n]),
  new Uint8Array(new Uint8Array(64).buffer, 8, 5),
  new DataView(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer, 2, 4),
]

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ name, make }) => {
  test('typed arrays come back from a job with their class and contents', async () => {
    await using pool = make({ maxWorkers: 1 })
    for (const view of views) {
      const back = (await pool.submit(refs.identity, view)) as typeof view
      expect(back.constructor).toBe(view.constructor)
      expect(back.byteLength).toBe(view.byteLength)
      const bytes = (of: ArrayBufferView): Uint8Array =>
        new Uint8Array(of.buffer, of.byteOffset, of.byteLength)
      expect(bytes(back)).toEqual(bytes(view))
    }
  })

  test('a map or set whose class overrides its iterator reaches the job with its contents', async () => {
    await using pool = make({ maxWorkers: 1 })
    class Values extends Map<string, unknown> {
      override [Symbol.iterator](): never {
        return this.values() as never
      }
    }
    class Secret extends Set<unknown> {
      override [Symbol.iterator](): never {
        throw new Error('not for you')
      }
    }
    const values = new Values([['a', 1]])
    const secret = new Secret()
    secret.add(2)
    const list = (map: Map<string, unknown>, set: Set<unknown>): unknown[] => [...map, ...set]
    expect(await pool.submit(list, values, secret)).toEqual([['a', 1], 2])
    values.set('b', () => {})
    await expect(pool.submit(list, values, secret)).rejects.toThrow('args[0].get("b") is ')
    const makeClosed = (): unknown => {
      class Closed extends Map<string, number> {
        override [Symbol.iterator](): never {
          throw new Error('not for you')
        }
      }
      const closed = new Closed()
      return closed.set('a', 1)
    }
    expect(await pool.submit(makeClosed)).toEqual(new Map([['a', 1]]))
  })

  test('a map whose iterator hides its contents is refused if a hidden value cannot be cloned', async () => {
    await using pool = make({ maxWorkers: 1 })
    class Nothing extends Map<string, unknown> {
      override [Symbol.iterator](): never {
        return [][Symbol.iterator]() as never
      }
    }
    const job = pool.submit(refs.identity, new Nothing().set('url', new URL('https://a.example')))
    await expect(job).rejects.toThrow('args[0].get("url") is an object of class URL')
  })

  test('a value that cannot be cloned is found at once in a sparse array of 2^31 elements', async () => {
    await using pool = make({ maxWorkers: 1 })
    const sparse: unknown[] = []
    sparse[2 ** 31] = () => {}
    await expect(pool.submit(refs.identity, sparse)).rejects.toThrow('args[0]["2147483648"] is ')
    const makeSparse = (n: number): unknown[] => {
      const list: unknown[] = []
      list[2 ** 31] = n
      return list
    }
    const lengths: number[] = []
    for await (const list of pool.map(makeSparse, [1, 2, 3], { chunksize: 3 })) {
      lengths.push(list.length)
    }
    expect(lengths).toEqual([2 ** 31 + 1, 2 ** 31 + 1, 2 ** 31 + 1])
  })

  test('a value marked by transfer() is moved by the first job that gets it, and cloned for the second', async () => {
    await using pool = make({ maxWorkers: 1 })
    const value = transfer({ bytes: new ArrayBuffer(8) }, [])
    const marked = transfer(value, [value.bytes])
    const length = (given: { bytes: ArrayBuffer }): number => given.bytes.byteLength
    expect(await pool.submit(length, marked)).toBe(8)
    expect(value.bytes.byteLength).toBe(name === 'threads' ? 0 : 8)
    value.bytes = new ArrayBuffer(16)
    expect(await pool.submit(length, value)).toBe(16)
    expect(value.bytes.byteLength).toBe(16)
  })

  test('an error of a class that only has the name of an error of core arrives as a plain Error', async () => {
    await using pool = make({ maxWorkers: 1 })
    const names = ['TimeoutError', 'CancelledError', 'RuntimeError', 'TypeError', 'ExceptionGroup']
    for (const each of names) {
      const error = await pool
        .submit((given: string) => {
          const Foreign = { [given]: class extends Error {} }[given] as typeof Error
          const thrown = new Foreign('foreign')
          thrown.name = given
          throw thrown
        }, each)
        .catch((thrown: unknown) => thrown)
      expect(Object.getPrototypeOf(error)).toBe(Error.prototype)
      expect(error).toMatchObject({ name: each, message: 'foreign' })
    }
  })

  test('errors of core that a job throws arrive with their classes', async () => {
    await using pool = make({ maxWorkers: 1 })
    const core = await import('@tasktree/core')
    for (const each of ['TimeoutError', 'CancelledError', 'RuntimeError'] as const) {
      const error = await pool.submit(refs.throwOfCore, each).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(core[each])
    }
  })
})

test(
  'a typed array that comes from a process owns its buffer, and a Buffer stays a Buffer',
  { tags: ['slow'] },
  async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1 })
    const owns = (view: ArrayBufferView): boolean => view.byteLength === view.buffer.byteLength
    for (const view of [...views, Buffer.from('text')]) {
      expect(owns((await pool.submit(refs.identity, view)) as ArrayBufferView)).toBe(true)
      const isOwner = (given: ArrayBufferView): boolean =>
        given.byteLength === given.buffer.byteLength
      expect(await pool.submit(isOwner, view)).toBe(true)
    }
    const back = (await pool.submit(refs.identity, {
      a: Buffer.from('text'),
      b: Buffer.from('more'),
    })) as {
      a: Buffer
      b: Buffer
    }
    expect([back.a.toString(), back.b.toString()]).toEqual(['text', 'more'])
    expect(back.a.buffer).not.toBe(back.b.buffer)
  },
)

test(
  'shared memory is shared with a thread, and refused for a process',
  { tags: ['slow'] },
  async () => {
    const shared = new Int32Array(new SharedArrayBuffer(8))
    const set = (view: Int32Array): void => {
      view[0] = 7
    }
    await using threads = new ThreadPoolExecutor({ maxWorkers: 1 })
    await threads.submit(set, shared)
    expect(shared[0]).toBe(7)
    await using processes = new ProcessPoolExecutor({ maxWorkers: 1 })
    await expect(processes.submit(set, shared)).rejects.toThrow(
      /args\[0\].*processes do not share memory/,
    )
    await expect(processes.submit(set, shared)).rejects.toBeInstanceOf(JobSerializationError)
    const give = (): Int32Array => new Int32Array(new SharedArrayBuffer(8))
    await expect(processes.submit(give)).rejects.toBeInstanceOf(JobSerializationError)
  },
)

test('a Blob goes to a thread, and is refused for a process', { tags: ['slow'] }, async () => {
  const text = async (blob: Blob): Promise<string> => blob.text()
  await using threads = new ThreadPoolExecutor({ maxWorkers: 1 })
  expect(await threads.submit(text, new Blob(['inside']))).toBe('inside')
  await using processes = new ProcessPoolExecutor({ maxWorkers: 1 })
  await expect(processes.submit(text, new Blob(['x']))).rejects.toBeInstanceOf(
    JobSerializationError,
  )
  const list = new BlockList()
  await expect(processes.submit(refs.identity, { list })).rejects.toThrow(/args\[0\]\.list is/)
})

describe('a pool of threads', { tags: ['slow'] }, () => {
  const [{ make }] = kinds as [(typeof kinds)[0]]
  const hasPort = ({ port }: { port: MessagePort }): boolean => {
    port.close()
    return true
  }
  /** Returns a value with a port that must be transferred. For the index `bad` it returns a value that cannot be sent. */
  const makeItem = (index: number, bad?: number): { port: MessagePort } => {
    if (index === bad) return { port: (() => {}) as never }
    const { port1: port } = new MessageChannel()
    return transfer({ port }, [port])
  }
  const givePort = async (index: number): Promise<unknown> => {
    const threads = await import('node:worker_threads')
    if (index === 2) return () => {}
    const { port1: port } = new threads.MessageChannel()
    return transfer({ port }, [port])
  }

  test('the path to a value that cannot be cloned is reported even if a transferred object is beside it', async () => {
    await using pool = make({ maxWorkers: 1 })
    const { port1: port } = new MessageChannel()
    const buffer = new ArrayBuffer(8)
    const argument = transfer({ ports: [port], buffer, fn: () => {} }, [port, buffer])
    await expect(pool.submit(refs.identity, argument)).rejects.toThrow('args[0].fn is ')
    expect(buffer.byteLength).toBe(8)
    const give = async (): Promise<unknown> => {
      const threads = await import('node:worker_threads')
      const { port1 } = new threads.MessageChannel()
      return transfer({ ports: [port1], fn: () => {} }, [port1])
    }
    await expect(pool.submit(give)).rejects.toThrow('result.fn is ')
    port.close()
  })

  test.for([1, 4])(
    'map with chunksize %i gives the transferred values that come before the first failure',
    async (chunksize) => {
      await using pool = make({ maxWorkers: 1 })
      const ends: unknown[] = []
      const read = async (values: AsyncIterable<unknown>): Promise<void> => {
        for await (const value of values) {
          if (typeof value === 'object') (value as { port: MessagePort }).port.close()
          ends.push(typeof value)
        }
      }
      const items = [0, 1, 2, 3].map((index) => makeItem(index, 2))
      await expect(read(pool.map(hasPort, items, { chunksize }))).rejects.toThrow(
        'args[0].port is ',
      )
      await expect(read(pool.map(givePort, [0, 1, 2, 3], { chunksize }))).rejects.toThrow(
        'result is ',
      )
      expect(ends).toEqual(['boolean', 'boolean', 'object', 'object'])
    },
  )
})
