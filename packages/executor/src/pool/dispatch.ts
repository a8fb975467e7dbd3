/**
 * Which job goes to which worker, and when.
 *
 * A job is in one place at a time: in the queue, or in one worker's list. A job goes to an idle worker at once.
 * Jobs that are short are sent several at once, ahead of the job that runs, because one message for many jobs costs
 * one wake-up. They are taken back when another worker is free, when the running job is cancelled, or when the
 * worker dies. So only a job that has started is ever lost, and no job waits behind a long one while another worker
 * is free.
 */
import { afterDelay, LinkedList } from '@tasktree/core/lowlevel'
import { explainUncloneable } from '../jobs/clone-path.ts'
import { JobSerializationError } from '../jobs/errors.ts'
import type { PendingJob } from '../jobs/pending-job.ts'
import type { WorkerHandle } from '../transport/worker-handle.ts'
import type { CheckedPoolOptions } from './options.ts'
import type { Outcomes } from './outcomes.ts'
import type { WorkerSet } from './worker-set.ts'

/** How many short jobs a worker may have at once. */
const maxAhead = 32
/** Milliseconds for which an idle worker goes on keeping the process alive. */
const releaseDelay = 1

/** What the dispatch asks of the part of a pool that starts and ends workers. */
export interface Workforce {
  /** How many workers have been started and are not ready. */
  readonly starting: number
  /** Whether jobs can be run at all. */
  readonly isBroken: boolean
  start(): void
  /** `worker` has no jobs, and no job waits. */
  onUnused(worker: WorkerHandle): void
}

export class Dispatch {
  readonly #options: CheckedPoolOptions
  readonly #workers: WorkerSet
  readonly #outcomes: Outcomes
  readonly #workforce: Workforce
  readonly #queue = new LinkedList<PendingJob>()
  #isPumpScheduled = false
  #isReleasing = false
  /** A shutdown is awaited: workers keep the process alive until they have ended. */
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

  /** How many jobs wait. */
  get waiting(): number {
    return this.#queue.size
  }

  /** Whether another job may wait. */
  hasRoom(): boolean {
    const { maxQueue } = this.#options
    if (this.#queue.size < maxQueue) return true
    this.pump()
    // Jobs that wait for a worker that is only starting are not waiting for their turn.
    const { starting } = this.#workforce
    return this.#queue.size < (starting === 0 ? maxQueue : maxQueue + starting)
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

  /** Puts jobs that had been sent back, before all others and in their order. */
  putBack(jobs: readonly PendingJob[]): void {
    for (const job of jobs.toReversed()) if (!job.future.done()) this.#queue.unshift(job)
  }

  /** Takes `job` out of the queue. Returns false if it is not in the queue. */
  remove(job: PendingJob): boolean {
    const isRemoved = this.#queue.remove(job)
    if (isRemoved) this.updateHold()
    return isRemoved
  }

  takeAll(): PendingJob[] {
    const jobs: PendingJob[] = []
    for (let job = this.#queue.shift(); job !== null; job = this.#queue.shift()) jobs.push(job)
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

  /** Sends what can be sent, and starts the workers that are missing. */
  pump(): void {
    if (this.#workforce.isBroken) return
    // What waits behind an overtaken job comes before what is in the queue.
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
    for (let i = 0; i < wanted; i++) this.#workforce.start()
    this.updateHold()
  }

  /** An idle worker. When there is none and none can be had, a worker that soon runs out of jobs. */
  #chooseWorker(): WorkerHandle | null {
    const idle = this.#workers.findIdle()
    if (idle !== null) return idle
    const canGrow = this.#workforce.starting > 0 || this.#workers.size < this.#options.maxWorkers
    if (canGrow || this.#queue.first()?.mayFollow !== true) return null
    const spare = this.#workers.findSpare((worker) => this.#depth(worker))
    return spare?.isShort === true ? spare : null
  }

  /** How many short jobs a worker may have at once. */
  #depth(worker: WorkerHandle): number {
    if (worker.isOvertaken(this.#outcomes.ended)) return 0
    const { maxTasksPerWorker } = this.#options
    return Math.min(maxAhead, maxTasksPerWorker - worker.taken + worker.load)
  }

  #fill(worker: WorkerHandle): void {
    // The jobs are spread: a worker that is alone with many jobs would leave the others idle.
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
    const tryClone = (value: unknown): void => worker.tryClone(value)
    const why = explainUncloneable(job.args, 'args', tryClone, error)
    this.#outcomes.fail(
      job,
      new JobSerializationError(`cannot send the job: ${why}`, { cause: error }),
    )
    // Nothing will come back from the worker that could tell that it is free.
    if (worker.load === 0) this.onFree(worker)
  }

  /** `worker` may have become free for another job. */
  onFree(worker: WorkerHandle): void {
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

  /** A place is free for what waits behind jobs of other workers that may not end. */
  recallOthers(worker: WorkerHandle | null): void {
    if (this.#queue.size > 0) return
    for (const other of this.#workers) if (other !== worker) other.recall()
  }

  /**
   * Jobs under way, and a shutdown that is awaited, keep the process alive. Nothing else does. A worker that has
   * become idle is let go a moment later, because the next job nearly always follows at once, and each change costs
   * four calls into the runtime.
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
    afterDelay(
      releaseDelay,
      () => {
        this.#isReleasing = false
        this.#release()
      },
      { hold: false },
    )
  }

  #release(): void {
    if (this.#queue.size > 0 || this.isAwaited) return
    for (const worker of this.#workers) if (worker.load === 0) worker.hold(false)
  }
}
