// Counts the work of a piece of code, so that a test can tell linear work from quadratic work without a clock.

interface Lengthy {
  readonly length: number
}

/**
 * Returns the cost of `work`: how many bytes and elements built-in methods copy, move or search while `work` runs, how many
 * elements the sets have whose iteration begins, and how often code reads the length of a buffer. Unlike a time, this number is
 * the same in each run.
 */
export async function cost(work: () => Promise<void>): Promise<number> {
  let total = 0
  const restore: (() => void)[] = []
  const replace = (
    on: object,
    name: PropertyKey,
    make: (old: PropertyDescriptor) => object,
  ): void => {
    const old = Object.getOwnPropertyDescriptor(on, name) as PropertyDescriptor
    restore.push(() => Object.defineProperty(on, name, old))
    Object.defineProperty(on, name, { ...old, ...make(old) })
  }
  const count = <Self, Result>(
    on: object,
    name: PropertyKey,
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
  count(Buffer.prototype, 'indexOf', ({ length }: Lengthy, at: number, [, from]) =>
    at === -1 ? length : at - ((from as number | undefined) ?? 0),
  )
  count(typedArray, 'set', (_, __, [source]) => (source as Lengthy).length)
  count(Array.prototype, 'concat', (_, joined: unknown[]) => joined.length)
  count(Array.prototype, 'fill', ({ length }: Lengthy) => length)
  count(Array.prototype, 'shift', ({ length }: Lengthy) => length)
  count(Array.prototype, 'slice', (_, copy: unknown[]) => copy.length)
  count(
    Array.prototype,
    'splice',
    ({ length }: Lengthy, removed: unknown[]) => length + removed.length,
  )
  count(Array.prototype, 'unshift', ({ length }: Lengthy) => length)
  count(Set.prototype, 'values', ({ size }: Set<unknown>) => size)
  count(Set.prototype, Symbol.iterator, ({ size }: Set<unknown>) => size)
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
