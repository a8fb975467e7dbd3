import { afterAll, test } from 'vitest'
import { operations } from './fixtures/operations.ts'
import { GrowthMeter } from '../../core/test/support/growth.ts'

const meter = new GrowthMeter(new URL('fixtures/operations.ts', import.meta.url))
afterAll(() => meter[Symbol.dispose]())

/** A heap compares an item with a number of others that grows with the logarithm: 12.5 times in all. */
const most = (name: string): number => (name.includes('PriorityQueue') ? 13 : 12)

test.each(Object.keys(operations))(
  'ten times as many cost at most twelve times as much: %s',
  { tags: ['slow'], timeout: 240_000 },
  (name) => meter.expectLinear(name, most(name)),
)
