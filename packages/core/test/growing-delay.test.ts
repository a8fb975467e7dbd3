import { growingDelay } from '@tasktree/core/lowlevel'
import { expect, test } from 'vitest'

test('growingDelay multiplies the delay by the factor each time, up to the maximum', () => {
  const delays = { min: 100, max: 1_000, factor: 3 }
  expect([0, 1, 2, 3, 1e6].map((count) => growingDelay(delays, count))).toEqual([
    100, 300, 900, 1_000, 1_000,
  ])
})

test('growingDelay keeps its delay with a factor of 1, stays 0 from 0, and can grow to Infinity', () => {
  expect(growingDelay({ min: 50, max: 1_000, factor: 1 }, 1e9)).toBe(50)
  expect(growingDelay({ min: 0, max: 1_000, factor: 2 }, 1e9)).toBe(0)
  expect(growingDelay({ min: 5, max: Infinity, factor: 2 }, 1e9)).toBe(Infinity)
})
