import { describe } from '@tasktree/core/lowlevel'
import { Heap } from './items.ts'
import { Queue } from './queue.ts'

/**
 * A queue that returns the smallest item first, and equal items in the order in which they were added.
 *
 * Without `compare`, items are numbers, bigints, strings, or arrays. Arrays are compared element by element, as in
 * `[priority, item]`, where the item may be anything.
 *
 * @example
 *     const jobs = new PriorityQueue<{ name: string; priority: number }>({
 *       compare: (a, b) => a.priority - b.priority, // the smallest comes first
 *     })
 *     jobs.putNowait({ name: 'report', priority: 5 })
 *     jobs.putNowait({ name: 'alarm', priority: 1 })
 *     console.log((await jobs.get()).name) // alarm
 *
 * Source: asyncio.PriorityQueue. Differs: equal priorities keep their order.
 */
export class PriorityQueue<T> extends Queue<T> {
  /** @param options.compare as for `Array.sort`: negative if `a` comes first, positive if `b` does, 0 if they are equal */
  constructor(options?: {
    maxsize?: number
    compare?: (a: T, b: T) => number
    name?: string | undefined
  }) {
    const compare = options?.compare === undefined ? compareInOrder : options.compare
    if (typeof compare !== 'function') {
      throw new TypeError(`compare must be a function, got ${describe(compare)}`)
    }
    super(options, new Heap<T>(compare === compareInOrder ? compare : checkedCompare(compare)))
  }
}

/**
 * Returns a function that calls `compare`, and throws a TypeError if the result is not a number or is NaN. A function
 * that returns a boolean, such as `a.priority < b.priority`, would silently give a wrong order, because `false` counts
 * as "equal". NaN, the result of a missing priority, would do the same.
 */
function checkedCompare<T>(compare: (a: T, b: T) => number): (a: T, b: T) => number {
  return (a, b) => {
    const compared: unknown = compare(a, b)
    if (typeof compared === 'number' && !Number.isNaN(compared)) return compared
    throw new TypeError(
      `compare must return a number (negative: the first comes first, positive: the second does, 0: equal), as in (a, b) => a.priority - b.priority; got ${describe(compared)}`,
    )
  }
}

/**
 * The default order. Two values without an order, such as NaN or a number and a string, throw a TypeError. After the
 * first element of an array such values count as equal instead. So `[priority, item]` pairs of the same priority keep the
 * order in which they were added if their items have no order, as two objects have none.
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
