import { StreamReader } from '@tasktree/streams'
import { describe, expect, test } from 'vitest'

interface Lengthy {
  readonly length: number
}

/**
 * Returns the cost of `work`: how many bytes and array elements built-in methods copy, move or search while `work` runs,
 * plus how often code reads the length of a buffer. Unlike a time, this number is the same in each run.
 */
async function cost(work: () => Promise<void>): Promise<number> {
  let total = 0
  const restore: (() => void)[] = []
  const replace = (on: object, name: string, make: (old: PropertyDescriptor) => object): void => {
    const old = Object.getOwnPropertyDescriptor(on, name) as PropertyDescriptor
    restore.push(() => Object.defineProperty(on, name, old))
    Object.defineProperty(on, name, { ...old, ...make(old) })
  }
  const count = <Self extends Lengthy, Result>(
    on: object,
    name: string,
    sizeOf: (self: Self, result: Result, args: unknown[]) => number,
  ): void =>
    replace(on, name, ({ value: method }) => ({
      value(this: Self, ...args: unknown[]) {
        const result = Reflect.apply(method as () => Result, this, args)
        total += sizeOf(this, result, args)
        return result
      },
    }))
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object
  count(Buffer, 'concat', (_, joined: Buffer) => joined.length)
  count(Buffer.prototype, 'copy', (_, copied: number) => copied)
  count(Buffer.prototype, 'indexOf', ({ length }, at: number, [, from]) =>
    at === -1 ? length : at - ((from as number | undefined) ?? 0),
  )
  count(typedArray, 'set', (_, __, [source]) => (source as Lengthy).length)
  count(Array.prototype, 'concat', (_, joined: unknown[]) => joined.length)
  count(Array.prototype, 'fill', ({ length }) => length)
  count(Array.prototype, 'shift', ({ length }) => length)
  count(Array.prototype, 'unshift', ({ length }) => length)
  count(Array.prototype, 'splice', ({ length }, removed: unknown[]) => length + removed.length)
  replace(typedArray, 'length', (old) => ({
    get(this: Uint8Array): number {
      total++
      return old.get?.call(this) as number
    },
  }))
  try {
    await work()
  } finally {
    for (const undo of restore) undo()
  }
  return total
}

describe('the cost grows with the number, and not with its square', { tags: ['slow'] }, () => {
  test('of buffered lines', async () => {
    const line = Buffer.alloc(600, `${'a'.repeat(599)}\n`)
    const lines = async (n: number): Promise<void> => {
      const reader = new StreamReader({ limit: 2 ** 30 })
      for (let i = 0; i < n; i++) reader.feedData(line)
      reader.feedEof()
      let count = 0
      for await (const _ of reader) count++
      expect(count).toBe(n)
    }
    const [few, many] = [await cost(() => lines(10_000)), await cost(() => lines(80_000))]
    expect(few).toBeGreaterThan(10_000)
    expect(many / few).toBeLessThan(10)
  })

  test('of pieces that are put back', async () => {
    const pieces = async (n: number): Promise<void> => {
      const reader = new StreamReader()
      for (let i = 0; i < n; i++) reader.unread('x')
      expect((await reader.read(n)).length).toBeGreaterThan(0)
    }
    const [few, many] = [await cost(() => pieces(10_000)), await cost(() => pieces(160_000))]
    expect(few).toBeGreaterThan(10_000)
    expect(many / few).toBeLessThan(20)
  })
})
