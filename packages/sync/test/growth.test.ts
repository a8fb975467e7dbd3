import { afterAll, test } from 'vitest'
import { operations } from './fixtures/operations.ts'
import { GrowthMeter } from '../../core/test/support/growth.ts'

const meter = new GrowthMeter(new URL('fixtures/operations.ts', import.meta.url))
afterAll(() => meter[Symbol.dispose]())

/**
 * The largest allowed ratio of the costs. A heap compares an item with a number of others that grows with the logarithm. So from
 * 1,000 to 10,000 items the cost of a PriorityQueue grows 13.3 times.
 */
const most = (name: string): number => (name.includes('PriorityQueue') ? 14 : 12)

test.each(Object.keys(operations))(
  'an operation with ten times as many items costs at most twelve times as much: %s',
  { tags: ['slow'], timeout: 240_000 },
  (name) => meter.expectLinear(name, most(name)),
)
