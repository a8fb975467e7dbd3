import { type EventLoop, getEventLoop } from '@tasktree/core'
import { PriorityQueue } from '@tasktree/sync'
import type { QueuedJob } from '../jobs/job.ts'
import { type Openings, ReadyJobs } from './ready-jobs.ts'

/**
 * Cancelled jobs stay in the heaps for a while. They are removed when there are more of them than waiting jobs plus this
 * number.
 */
const mostGhosts = 1_000

/**
 * The jobs that wait for a worker, or for the time at which they may begin. Times are times of the loop's clock, which
 * does not change when the wall clock is set.
 *
 * A heap cannot remove an element in its middle, so a cancelled job stays in its heap. The map `#jobs` has only the
 * jobs that were not cancelled.
 */
export class JobQueue {
  readonly #loop: EventLoop = getEventLoop()
  readonly #jobs = new Map<number, QueuedJob>()
  readonly #delayed = new PriorityQueue<QueuedJob>({ compare: (a, b) => a.dueAt - b.dueAt })
  readonly #after: (ms: number, call: () => void) => void
  readonly #onDue: () => void
  #ready = this.#noneReady()
  /** When the timer for the next delayed job fires; Infinity if there is no timer. */
  #wakeAt = Infinity

  /** `after` starts a timer. `onDue` is called when delayed jobs have become ready. */
  constructor(after: (ms: number, call: () => void) => void, onDue: () => void) {
    this.#after = after
    this.#onDue = onDue
  }

  get size(): number {
    return this.#jobs.size
  }

  get readySize(): number {
    return this.#ready.size
  }

  get(id: number): QueuedJob | undefined {
    return this.#jobs.get(id)
  }

  /**
   * Adds a job that may begin in `delay` milliseconds. With Infinity, the job waits until it is added again. Returns
   * true if the job may begin now.
   */
  add({ id, kind, group, priority }: Omit<QueuedJob, 'dueAt'>, delay: number): boolean {
    const now = this.#loop.time()
    const job: QueuedJob = { id, kind, group, priority, dueAt: delay > 0 ? now + delay : now }
    if (this.#ready.size + this.#delayed.qsize() > 2 * this.#jobs.size + mostGhosts)
      this.#lineUpAnew(now)
    this.#jobs.set(id, job)
    if (job.dueAt <= now) {
      this.#ready.put(job)
      return true
    }
    // This job waits only in `#jobs`, and in no heap, until it is added again.
    if (job.dueAt === Infinity) return false
    this.#delayed.putNowait(job)
    this.#wakeFor(job.dueAt)
    return false
  }

  /** Adds a removed job again. It may begin at the same time as before. Returns true if the job may begin now. */
  putBack(job: QueuedJob): boolean {
    return this.add(job, job.dueAt - this.#loop.time())
  }

  remove(id: number): QueuedJob | undefined {
    const job = this.#jobs.get(id)
    this.#jobs.delete(id)
    return job
  }

  /** Takes the next ready job that may begin; null when there is none. */
  take(openings: Openings): QueuedJob | null {
    const job = this.#ready.take(openings)
    if (job !== null) this.#jobs.delete(job.id)
    return job
  }

  /** Called when jobs of the group may begin again. */
  unblock(kind: string, group: string): void {
    this.#ready.unblock(kind, group)
  }

  /** Called when the limits of the kind have changed. */
  unblockAll(kind: string): void {
    this.#ready.unblockAll(kind)
  }

  #noneReady(): ReadyJobs {
    return new ReadyJobs((job) => this.#jobs.get(job.id) === job)
  }

  #lineUpAnew(now: number): void {
    this.#ready = this.#noneReady()
    const delayed = this.#delayed
    while (!delayed.empty()) delayed.getNowait()
    for (const job of this.#jobs.values()) {
      if (job.dueAt === Infinity) continue
      if (job.dueAt > now) delayed.putNowait(job)
      else this.#ready.put(job)
    }
  }

  /** Starts a timer for `time`, unless an earlier timer is running. */
  #wakeFor(time: number): void {
    if (time >= this.#wakeAt) return
    this.#wakeAt = time
    this.#after(Math.max(0, time - this.#loop.time()), () => {
      if (this.#wakeAt !== time) return
      this.#wakeAt = Infinity
      this.#readyWhatIsDue()
    })
  }

  #readyWhatIsDue(): void {
    const now = this.#loop.time()
    while (!this.#delayed.empty()) {
      const job = this.#delayed.getNowait()
      if (job.dueAt > now) {
        this.#delayed.putNowait(job)
        this.#wakeFor(job.dueAt)
        break
      }
      this.#ready.put(job)
    }
    this.#onDue()
  }
}
