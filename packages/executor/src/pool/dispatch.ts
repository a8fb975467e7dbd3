/**
 * Decides which job goes to which worker, and when.
 *
 * A job is always in exactly one place: in the queue, or in the list of one worker. A job goes to an idle worker at
 * once. Short jobs are sent several at once to a worker that is still running another job, because one message for many
 * jobs costs one wake-up. The pool takes these jobs back when another worker is free, when the running job is
 * cancelled, or when the worker dies. So only a job that has started is ever lost, and no job waits behind a long one
 * while another worker is free.
 */
import { Future } from '@tasktree/core'
import { LinkedList, observe } from '@tasktree/core/lowlevel'
import { explainUncloneable } from '../jobs/explain-uncloneable.ts'
import { JobSerializationError } from '../jobs/errors.ts'
import type { PendingJob } from '../jobs/pending-job.ts'
import type { WorkerHandle } from '../transport/worker-handle.ts'
import type { CheckedPoolOptions } from './options.ts'
import type { Outcomes } from './outcomes.ts'
import type { WorkerSet } from './worker-set.ts'

/** At most this many short jobs that have not ended may be in one worker. */
const maxAhead = 32
/** The function of the runtime, taken when this module loads, because a test may later replace the global by a fake. */
// oxlint-disable-next-line eslint/no-restricted-globals -- a turn of Node's loop is meant, and not a time
const { setImmediate } = globalThis

/** The calls that Dispatch makes to the part of a pool that starts and ends workers. */
export interface Workforce {
  /** How many workers were started and are not ready yet. */
  readonly starting: number
  /** Whether the pool is broken, so that no job can run. */
  readonly isBroken: boolean
  start(): void
  /** Called when `worker` has no jobs, and no job is in the queue. */
  onUnused(worker: WorkerHandle): void
}

export class Dispatch {
  readonly #options: CheckedPoolOptions
  readonly #workers: WorkerSet
  readonly #outcomes: Outcomes
  readonly #workforce: Workforce
  readonly #queue = new LinkedList<PendingJob>()
  /** For each caller that waits for room in the queue: the future that it awaits. */
  readonly #roomWaiters = new Set<Future<void>>()
  #isPumpScheduled = false
  #isReleasing = false
  /** True while a caller awaits the shutdown. Then the workers keep the process alive until they have ended. */
  isAwaited = false

  constructor(
    options: CheckedPoolOptions,
    workers: WorkerSet,
    outcomes: Outcomes,
    workforce: Workforce,
  ) {
    this.#options = options
    this.#workers = workers
    this.#outcomes = outcomes
    this.#workforce = workforce
  }

  /** How many jobs are in the queue. */
  get waiting(): number {
    return this.#queue.size
  }

  /**
   * Whether another job may be submitted: each worker may run one job, and `maxQueue` more jobs may wait. Counts all jobs
   * that have not ended, because the queue alone does not show how many jobs wait: a worker is sent short jobs before it
   * can run them, and a job in the queue may wait only until a worker has started.
   */
  hasRoom(): boolean {
    const { maxQueue, maxWorkers } = this.#options
    if (maxQueue === Infinity) return true
    let jobs = this.#queue.size
    for (const worker of this.#workers) jobs += worker.load
    return jobs < maxWorkers + maxQueue
  }

  /**
   * Returns a future that is done when `hasRoom` may have become true. A caller that stops waiting must cancel the
   * future.
   */
  whenRoom(): Future<void> {
    const waiter = new Future<void>()
    this.#roomWaiters.add(waiter)
    observe(waiter, () => this.#roomWaiters.delete(waiter))
    return waiter
  }

  /** Called when there may be room, because a job has ended or was removed. */
  #tellRoom(): void {
    if (this.#roomWaiters.size === 0 || !this.hasRoom()) return
    for (const waiter of this.#roomWaiters) if (!waiter.done()) waiter.setResult()
    this.#roomWaiters.clear()
  }

  add(job: PendingJob): void {
    const idle = this.#queue.size === 0 ? this.#workers.findIdle() : null
    if (idle === null) {
      this.#queue.push(job)
      this.schedulePump()
    } else {
      this.#send(idle, [job])
    }
  }

  /** Puts jobs that a worker gave back at the front of the queue, and keeps their order. */
  putBack(jobs: readonly PendingJob[]): void {
    for (const job of jobs.toReversed()) if (!job.future.done()) this.#queue.unshift(job)
  }

  /** Removes `job` from the queue. Returns false if it is not there. */
  remove(job: PendingJob): boolean {
    const isRemoved = this.#queue.remove(job)
    if (isRemoved) {
      this.updateHold()
      this.#tellRoom()
    }
    return isRemoved
  }

  takeAll(): PendingJob[] {
    const jobs: PendingJob[] = []
    for (let job = this.#queue.shift(); job !== null; job = this.#queue.shift()) jobs.push(job)
    this.#tellRoom()
    return jobs
  }

  schedulePump(): void {
    if (this.#isPumpScheduled) return
    this.#isPumpScheduled = true
    queueMicrotask(() => {
      this.#isPumpScheduled = false
      this.pump()
    })
  }

  /** Sends jobs from the queue to workers as far as possible, and starts workers for the jobs that are left. */
  pump(): void {
    if (this.#workforce.isBroken) return
    // First takes back the jobs that wait in a worker behind a long job, because they are older than the jobs in the
    // queue. A running job counts as long when many jobs of the pool have ended since it started.
    for (const worker of this.#workers) {
      if (worker.isOvertaken(this.#outcomes.ended)) worker.recall()
    }
    while (this.#queue.size > 0) {
      const worker = this.#chooseWorker()
      if (worker === null) break
      this.#fill(worker)
    }
    const wanted = Math.min(
      this.#queue.size - this.#workforce.starting,
      this.#options.maxWorkers - this.#workers.size,
    )
    // If a worker cannot be started, the pool is broken.
    for (let i = 0; i < wanted && !this.#workforce.isBroken; i++) this.#workforce.start()
    this.updateHold()
    this.#tellRoom()
  }

  /**
   * Returns an idle worker. If there is none and the pool cannot grow, returns a worker with few short jobs, to which
   * more short jobs can be sent. Null when there is neither.
   */
  #chooseWorker(): WorkerHandle | null {
    const idle = this.#workers.findIdle()
    if (idle !== null) return idle
    const canGrow = this.#workforce.starting > 0 || this.#workers.size < this.#options.maxWorkers
    if (canGrow || this.#queue.first()?.mayFollow !== true) return null
    const spare = this.#workers.findSpare((worker) => this.#depth(worker))
    return spare?.isShort === true ? spare : null
  }

  /** Returns how many short jobs `worker` may have at the same time. */
  #depth(worker: WorkerHandle): number {
    if (worker.isOvertaken(this.#outcomes.ended)) return 0
    const { maxTasksPerWorker } = this.#options
    return Math.min(maxAhead, maxTasksPerWorker - worker.taken + worker.load)
  }

  #fill(worker: WorkerHandle): void {
    // Each worker gets at most its share of the queue. Otherwise one worker would get many jobs while others are idle.
    const share = Math.ceil(this.#queue.size / this.#options.maxWorkers)
    const room = Math.max(1, Math.min(this.#depth(worker) - worker.load, share))
    const batch: PendingJob[] = []
    let isAlone = worker.load === 0
    while (batch.length < room) {
      const mayFollow = this.#queue.first()?.mayFollow === true
      if (!isAlone && !mayFollow) break
      batch.push(this.#queue.shift() as PendingJob)
      if (!mayFollow) break
      isAlone = false
    }
    this.#send(worker, batch)
  }

  #send(worker: WorkerHandle, batch: PendingJob[]): void {
    worker.stopIdling?.()
    worker.stopIdling = null
    worker.hold(true)
    try {
      worker.send(batch)
    } catch (error) {
      this.#onUnsent(worker, batch, error)
    }
  }

  #onUnsent(worker: WorkerHandle, batch: PendingJob[], error: unknown): void {
    if (batch.length > 1) {
      for (const job of batch) this.#send(worker, [job])
      return
    }
    const [job] = batch as [PendingJob]
    const tryClone = (value: unknown): void => worker.tryClone(value, job.transferList)
    const why = explainUncloneable(job.args, 'args', tryClone, error)
    this.#outcomes.fail(
      job,
      new JobSerializationError(`cannot send the job: ${why}`, { cause: error }),
    )
    // The worker got no job, so no message will come from it that would report it as free.
    if (worker.load === 0) this.onFree(worker)
  }

  /** Called when `worker` may have become free for another job. */
  onFree(worker: WorkerHandle): void {
    this.#tellRoom()
    if (worker.load > 0) {
      if (this.#queue.size > 0) this.schedulePump()
      return
    }
    this.#workers.noteFree(worker)
    if (worker.taken >= this.#options.maxTasksPerWorker) {
      worker.end(this.#options.exitGrace)
    } else if (this.#queue.size > 0) {
      this.schedulePump()
    } else {
      this.recallOthers(worker)
      this.updateHold()
      this.#workforce.onUnused(worker)
    }
  }

  /**
   * Called when `worker` is free, or with null when a worker has ended, so that there is room for a new one. If the
   * queue is empty, takes back the jobs that wait in other workers, so that the free or new worker can run them.
   */
  recallOthers(worker: WorkerHandle | null): void {
    if (this.#queue.size > 0) return
    for (const other of this.#workers) if (other !== worker) other.recall()
  }

  /**
   * Sets for each worker whether it keeps the process alive: while jobs are queued or running, or while a shutdown is
   * awaited. An idle worker is released only at the end of the turn of Node's event loop, because the caller that gets
   * a result nearly always submits the next job in the same turn, and each change costs four calls into the runtime.
   *
   * No timer is used for this: while a timer of 1 ms is set, the kernel programs a hardware timer each time the thread
   * waits for a result. That took 3 of 38 microseconds per job.
   */
  updateHold(): void {
    const isNeeded = this.#queue.size > 0 || this.isAwaited
    let isIdleHeld = false
    for (const worker of this.#workers) {
      if (isNeeded || worker.load > 0) worker.hold(true)
      else if (worker.isHeld) isIdleHeld = true
    }
    if (!isIdleHeld || this.#isReleasing) return
    this.#isReleasing = true
    setImmediate(() => {
      this.#isReleasing = false
      this.#release()
    })
  }

  #release(): void {
    if (this.#queue.size > 0 || this.isAwaited) return
    for (const worker of this.#workers) if (worker.load === 0) worker.hold(false)
  }
}
