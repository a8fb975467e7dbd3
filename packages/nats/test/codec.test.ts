import { deserialize, serialize } from 'node:v8'
import { cloneCodec, jsonCodec } from '@tasktree/nats'
import { expect, test } from 'vitest'

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
  'cloneCodec gives back value %i as structured clone does',
  ([, value]) => {
    const back = cloneCodec.decode(cloneCodec.encode(value))
    // Strict equality tells -0 from 0, a hole from undefined, and classes apart.
    expect(back).toStrictEqual(deserialize(serialize(value)))
    expect(Object.is(back, -0)).toBe(Object.is(value, -0))
    if (Array.isArray(value)) expect(Object.keys(back as object)).toEqual(Object.keys(value))
  },
)

test('the decoded bytes may begin anywhere in a larger buffer', () => {
  for (const value of [[1, 2], 'text', { a: [1] }, undefined]) {
    const bytes = cloneCodec.encode(value)
    const larger = new Uint8Array(bytes.length + 7).fill(0xff)
    larger.set(bytes, 3)
    expect(cloneCodec.decode(larger.subarray(3, 3 + bytes.length))).toStrictEqual(value)
  }
})

test('what a codec cannot encode is refused', () => {
  expect(() => cloneCodec.encode([() => 1])).toThrow(/could not be cloned/)
  expect(() => cloneCodec.encode(Symbol('s'))).toThrow(/could not be cloned/)
  expect(() => jsonCodec.encode(() => 1)).toThrow(/could not be written as JSON/)
})
