import { expect, test, vi } from 'vitest'
import { JobKinds } from '../src/jobs/job-kind.ts'
import { PendingJob } from '../src/jobs/pending-job.ts'
import { WorkerHandle } from '../src/transport/worker-handle.ts'
import type { WorkerLink, WorkerListener } from '../src/transport/worker-link.ts'
import type { WorkerOwner } from '../src/transport/worker-owner.ts'

test('a chunk that fails after it has announced a deep result does not get the unreadable message of the next job', () => {
  const link = { sendJobs: () => {}, sendControl: () => {}, lastStarted: () => null }
  const owner = {
    onReady: () => {},
    onStarted: () => {},
    onError: () => {},
    onEnded: () => {},
    onUnreadable: vi.fn(),
  }
  const listeners: WorkerListener[] = []
  const start = (_id: number, listener: WorkerListener): WorkerLink => {
    listeners.push(listener)
    return link as unknown as WorkerLink
  }
  const worker = new WorkerHandle(1, start, owner as unknown as WorkerOwner, 100)
  const [listener] = listeners as [WorkerListener]
  const kind = new JobKinds().find((n: number) => n)
  const jobs = [1, 2].map((n) => new PendingJob({ abandonJob: () => {} }, kind, [n], false))
  listener.onMessage({ type: 'ready' })
  worker.send(jobs)
  listener.onMessage({ type: 'deep', seq: 1 })
  const error = { thrown: { value: 'the result cannot be sent' }, records: [] }
  listener.onMessage({ type: 'error', seq: 1, ms: 1, next: 2, error })
  const why = new RangeError('the message cannot be read')
  listener.onUnreadable(why, () => 0)
  expect(owner.onUnreadable.mock.calls).toEqual([[worker, jobs[1], why]])
  expect(worker.load).toBe(0)
})
