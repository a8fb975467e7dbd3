import { expect, test } from 'vitest'
import { JobClaims } from '../src/transport/claims.ts'
import { makeWorkerMemory } from '../src/transport/doorbell.ts'

function makeSides(): { worker: JobClaims; pool: JobClaims } {
  const memory = makeWorkerMemory()
  return { worker: new JobClaims(memory), pool: new JobClaims(memory) }
}

test('the worker starts each job once, and starts no job before an earlier job', () => {
  const { worker } = makeSides()
  expect([worker.claim(1), worker.claim(1), worker.claim(3), worker.claim(2)]).toEqual([
    true,
    false,
    false,
    true,
  ])
})

test('a job that the pool takes back does not start, and a job that is sent afterwards does', () => {
  const { worker, pool } = makeSides()
  expect(worker.claim(1)).toBe(true)
  expect(pool.recall(4)).toBe(1)
  expect(pool.lastStarted()).toBe(1)
  expect([worker.claim(2), worker.claim(3), worker.claim(4)]).toEqual([false, false, false])
  expect(pool.recall(4)).toBe(1)
  expect(worker.claim(5)).toBe(true)
  expect(pool.lastStarted()).toBe(5)
})

test('the pool takes no job back once a later job has started', () => {
  const { worker, pool } = makeSides()
  for (const seq of [1, 2, 3]) expect(worker.claim(seq)).toBe(true)
  expect(pool.recall(2)).toBe(3)
  expect(worker.claim(4)).toBe(true)
})

test('the cancels of jobs that were taken back leave the mark of the running job', () => {
  const { worker, pool } = makeSides()
  expect(worker.claim(1)).toBe(true)
  expect(pool.recall(3)).toBe(1)
  for (const seq of [1, 2, 3]) pool.cancel(seq)
  expect(worker.isCancelled(1)).toBe(true)
})
