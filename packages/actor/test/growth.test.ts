import { afterAll, test } from 'vitest'
import { operations } from './fixtures/operations.ts'
import { GrowthMeter } from '../../core/test/support/growth.ts'

const meter = new GrowthMeter(new URL('fixtures/operations.ts', import.meta.url))
afterAll(() => meter[Symbol.dispose]())

test.each(Object.keys(operations))(
  'ten times as many operations take at most twelve times as long: %s',
  { tags: ['slow'], timeout: 240_000 },
  (name) => meter.expectLinear(name),
)
