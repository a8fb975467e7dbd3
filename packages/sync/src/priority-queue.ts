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
 * What has no order among each other, NaN for one, is a TypeError, except behind the first element of an array,
 * where it counts as equal: so of `[priority, item]` with the same priority the first that was put is the first.
 */
function compareInOrder(a: unknown, b: unknown, mustHaveOrder = true): number {
  if ((isNumeric(a) && isNumeric(b)) || (typeof a === 'string' && typeof b === 'string')) {
    if (a < b) return -1
    if (a > b) return 1
    if (a <= b) return 0
  } else if (Array.isArray(a) && Array.isArray(b)) {
    const length = Math.min(a.length, b.length)
    for (let i = 0; i < length; i++) {
      if (Object.is(a[i], b[i])) continue
      const order = compareInOrder(a[i], b[i], mustHaveOrder && i === 0)
      if (order !== 0) return order
    }
    return a.length - b.length
  }
  if (!mustHaveOrder) return 0
  throw new TypeError(
    `cannot compare ${describe(a)} with ${describe(b)}: give the queue a compare function`,
  )
}

function isNumeric(x: unknown): x is number | bigint {
  return typeof x === 'number' || typeof x === 'bigint'
}
