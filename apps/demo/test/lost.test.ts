import { expect, test } from 'vitest'
import { countPrimes } from '../src/cluster/count-primes.ts'
import { lostResults } from '../src/cluster/lost-results.ts'
import { lostJobs } from '../src/lost-jobs.ts'

test('lostJobs() returns the jobs of the tour that the server has not run to their end', () => {
  const run = { startedAt: 1, endedAt: 2 }
  const known = [
    { id: 1, state: 'done', ...run },
    { id: 2, state: 'failed', ...run },
    { id: 3, state: 'cancelled', ...run },
    { id: 4, state: 'queued', startedAt: 1, endedAt: null },
    { id: 5, state: 'done', startedAt: null, endedAt: 2 },
    // A job that is listed twice is counted only once.
    { id: 1, state: 'done', ...run },
  ]
  expect(lostJobs([1, 2], known)).toEqual([])
  expect(lostJobs([1, 2, 3, 4, 5, 6], known)).toEqual([3, 4, 5, 6])
})

test('lostResults() returns the jobs of the cluster for which no node has found the result', () => {
  expect([2, 3, 10, 100].map(countPrimes)).toEqual([0, 1, 4, 25])
  const limits = [10, 100, 100, 100, 100]
  const outcomes = ['node-1 found 4', 'node-2 found 25', 'node-2 found 4', new Error('found 25?')]
  expect(lostResults(limits.slice(0, 2), outcomes)).toEqual([])
  expect(lostResults(limits, outcomes)).toEqual([100, 100, 100])
})
