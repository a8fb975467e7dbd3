import { afterAll, test } from 'vitest'
import { operations } from './fixtures/operations.ts'
import { GrowthMeter } from './support/growth.ts'

const meter = new GrowthMeter(new URL('fixtures/operations.ts', import.meta.url))
afterAll(() => meter[Symbol.dispose]())

test.each(Object.keys(operations))(
  'an operation with ten times as many items costs at most twelve times as much: %s',
  { tags: ['slow'], timeout: 240_000 },
  (name) => meter.expectLinear(name),
)
