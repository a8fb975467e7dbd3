import { deserialize, serialize } from 'node:v8'
import { cloneCodec, type Codec, connect, jsonCodec, remoteJobs } from '@tasktree/nats'
import { silentLogger } from '@tasktree/actor'
import { runVirtual } from '@tasktree/core/testing'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { startMemoryNode } from './support/nodes-in-memory.ts'

const holes: unknown[] = []
holes[1] = 2
const named = Object.assign([1, 2], { extra: 3 })
const cycle: unknown[] = []
cycle.push(cycle)

const values: unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  1.5,
  -7,
  1e300,
  NaN,
  Infinity,
  -Infinity,
  2 ** 53,
  '',
  'text',
  'é \u0000 \uD800 \u{1F600}',
  'x'.repeat(200),
  [],
  [1, 'two', true, null],
  [undefined],
  [-0, NaN],
  holes,
  named,
  cycle,
  [[1], [2]],
  Array.from({ length: 500 }, (_, i) => i),
  { a: 1, __proto__: null },
  { a: undefined },
  10n,
  new Date(0),
  new Map([[1, new Set([2])]]),
  new Uint8Array([1, 2, 3]),
  Object.assign(Object.create(Array.prototype) as object, { length: 1 }),
]

test.for(values.map((value, i) => [i, value] as const))(
  'cloneCodec gives back value %i of the list as structured clone does',
  ([, value]) => {
    const back = cloneCodec.decode(cloneCodec.encode(value))
    // `toStrictEqual` distinguishes -0 from 0, a hole in an array from undefined, and objects of different classes.
    expect(back).toStrictEqual(deserialize(serialize(value)))
    expect(Object.is(back, -0)).toBe(Object.is(value, -0))
    if (Array.isArray(value)) expect(Object.keys(back as object)).toEqual(Object.keys(value))
  },
)

test('cloneCodec decodes bytes that begin anywhere in a larger buffer', () => {
  for (const value of [[1, 2], 'text', { a: [1] }, undefined]) {
    const bytes = cloneCodec.encode(value)
    const larger = new Uint8Array(bytes.length + 7).fill(0xff)
    larger.set(bytes, 3)
    expect(cloneCodec.decode(larger.subarray(3, 3 + bytes.length))).toStrictEqual(value)
  }
})

test('cloneCodec and jsonCodec refuse a value that they cannot encode', () => {
  expect(() => cloneCodec.encode([() => 1])).toThrow(/could not be cloned/)
  expect(() => cloneCodec.encode(Symbol('s'))).toThrow(/could not be cloned/)
  expect(() => jsonCodec.encode(() => 1)).toThrow(/could not be written as JSON/)
})

const slow = {
  encode: async (value: unknown) => cloneCodec.encode(value),
  decode: async (bytes: Uint8Array) => cloneCodec.decode(bytes),
}
const noBytes = /must encode a value as a Uint8Array, got an object of class Promise/
const noValue = /must decode a value in the call, got a promise/

test.for([
  ['encode', 'sender', /the arguments of home#one cannot be sent: the codec/, noBytes],
  ['encode', 'worker', /the result of home#one cannot be sent: the codec/, noBytes],
  ['decode', 'sender', /the codec/, noValue],
  ['decode', 'worker', /the codec/, noValue],
] as const)(
  'a job fails with an error that says that %s of the codec of its %s returns a promise',
  ([call, at, ...texts]) =>
    runVirtual(async () => {
      const codec: Codec = { ...cloneCodec, [call]: slow[call] }
      const home = { one: () => 1 }
      const server = new MemoryServer()
      const system = await startMemoryNode(
        server,
        'node',
        (own) => [own.worker('q', { home })],
        silentLogger,
        at === 'worker' ? { codec } : {},
      )
      {
        const { connector } = server
        await using sender = await connect(at === 'sender' ? { connector, codec } : { connector })
        const { one } = remoteJobs<typeof home>('home')
        const error = (await thrown(sender.executor('q').submit(one))) as Error
        for (const text of texts) expect(`${String(error)} ${String(error.cause)}`).toMatch(text)
      }
      await system.stop()
    }),
)

test('a job whose codec throws an unreadable error for the arguments fails with JobSerializationError', () =>
  runVirtual(async () => {
    const trap = (): never => {
      throw new Error('trap')
    }
    const encode = (): never => {
      throw new Proxy(new Error('no'), { getPrototypeOf: trap, get: trap })
    }
    const { connector } = new MemoryServer()
    await using sender = await connect({ connector, codec: { ...cloneCodec, encode } })
    const { one } = remoteJobs<{ one: () => void }>('home')
    const error = await thrown(sender.executor('q').submit(one))
    expect(String(error)).toMatch(
      /^JobSerializationError: the arguments of home#one cannot be sent/,
    )
  }))
