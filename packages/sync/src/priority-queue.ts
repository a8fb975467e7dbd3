import { describe } from '@tasktree/core/lowlevel'
import { Heap } from './items.ts'
import { Queue } from './queue.ts'

/**
 * A queue that gives out the smallest item first; equal ones in the order in which they were put.
 *
 * Without `compare` items are numbers, bigints, strings, or arrays, which compare element by element:
 * `[priority, item]`, where the item may be anything.
 *
 * Source: asyncio.PriorityQueue. Differs: equal priorities keep their order.
 */
export class PriorityQueue<T> extends Queue<T> {
  constructor(options?: { maxsize?: number; compare?: (a: T, b: T) => number }) {
    const compare = options?.compare === undefined ? compareInOrder : options.compare
    if (typeof compare !== 'function') {
      throw new TypeError(`compare must be a function, got ${describe(compare)}`)
    }
    super(options, new Heap<T>(compare))
  }
}

/**
 * What has no order among each other is a TypeError, except behind the first element of an array, where it
 * counts as equal: so of `[priority, item]` with the same priority the first that was put is the first.
 */
function compareInOrder(a: unknown, b: unknown): number {
  if (Array.isArray(a) && Array.isArray(b)) return compareArrays(a, b, compareInOrder)
  const order = compareSimple(a, b)
  if (order !== null) return order
  throw new TypeError(
    `cannot compare ${describe(a)} with ${describe(b)}: give the queue a compare function`,
  )
}

type Compare = (a: unknown, b: unknown) => number

function compareArrays(a: unknown[], b: unknown[], compareFirst: Compare): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    if (Object.is(a[i], b[i])) continue
    const order = (i === 0 ? compareFirst : compareLoosely)(a[i], b[i])
    if (order !== 0) return order
  }
  return a.length - b.length
}

function compareLoosely(a: unknown, b: unknown): number {
  if (Array.isArray(a) && Array.isArray(b)) return compareArrays(a, b, compareLoosely)
  return compareSimple(a, b) ?? 0
}

/** Null when they have no order. */
function compareSimple(a: unknown, b: unknown): number | null {
  const areNumeric = isNumeric(a) && isNumeric(b)
  if (!areNumeric && (typeof a !== 'string' || typeof b !== 'string')) return null
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0
}

function isNumeric(x: unknown): boolean {
  return typeof x === 'number' || typeof x === 'bigint'
}
