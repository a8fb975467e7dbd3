import { Heap } from './items.ts'
import { Queue } from './queue.ts'

/**
 * A queue that gives out the smallest item first; equal ones in the order in which they were put.
 *
 * Without `compare` items are numbers, bigints, strings, or arrays of them, which compare element by
 * element: `[priority, item]`, where what follows an unequal element may be anything.
 *
 * Source: asyncio.PriorityQueue. Differs: equal priorities keep their order.
 */
export class PriorityQueue<T> extends Queue<T> {
  constructor(options?: { maxsize?: number; compare?: (a: T, b: T) => number }) {
    const compare = options?.compare ?? compareInOrder
    if (typeof compare !== 'function') {
      throw new TypeError(`compare must be a function, got ${typeof compare}`)
    }
    super(options, new Heap<T>(compare))
  }
}

/** @throws {TypeError} for values that have no order among each other */
function compareInOrder(a: unknown, b: unknown): number {
  if (Array.isArray(a) && Array.isArray(b)) {
    const length = Math.min(a.length, b.length)
    for (let i = 0; i < length; i++) {
      const compared = Object.is(a[i], b[i]) ? 0 : compareElements(a[i], b[i])
      if (compared !== 0) return compared
    }
    return a.length - b.length
  }
  return compareElements(a, b)
}

function compareElements(a: unknown, b: unknown): number {
  if (Array.isArray(a) && Array.isArray(b)) return compareInOrder(a, b)
  const bothNumeric = isNumeric(a) && isNumeric(b)
  if (bothNumeric || (typeof a === 'string' && typeof b === 'string')) {
    return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0
  }
  // Equal priorities with payloads that have no order: the order of insertion decides.
  if (typeof a === 'object' || typeof a === 'function') return 0
  throw new TypeError(
    `cannot compare ${typeof a} with ${typeof b}: give the queue a compare function`,
  )
}

function isNumeric(x: unknown): boolean {
  return typeof x === 'number' || typeof x === 'bigint'
}
