import { type ActorContext, type ActorRef, ReplyError, type ReplyPort } from '@tasktree/actor'
import { type EventLoop, getEventLoop } from '@tasktree/core'
import type { Job, QueuedJob } from '../jobs/job.ts'
import { StoreError } from '../store/group-commit.ts'
import type { Store } from '../store/store.ts'
import type { Admission } from './admission.ts'
import type { Attempt, Outcome } from './attempt.ts'
import type { JobQueue } from './job-queue.ts'
import { delayAfter } from './retry-delay.ts'
import { retryWriting, storeRetryDelay } from './retry-writing.ts'
import type { Worker } from './worker.ts'

/** The parts of the server that a dispatcher uses, and the functions that it calls when a job changes. */
export interface DispatcherParts {
  readonly ctx: ActorContext
  readonly queue: JobQueue
  readonly admission: Admission
  /** Returns the function that sends requests to the store, with no time limit for the answer. */
  readonly asks: () => ActorRef<Store>['ask']
  readonly worker: (name: string) => ActorRef<Worker>
  /** Whether any job may begin. */
  readonly mayBegin: () => boolean
  /**
   * Called before the beginning or the end of an attempt is written. If the wall clock was set, it moves the beginnings of
   * the running attempts. Otherwise the beginning and the end of an attempt would be times of two settings of the clock.
   */
  readonly checkClock: () => void
  /**
   * Called when a job is in a new state. `waited` is how many milliseconds a job that begins has waited, and `ran` how
   * many milliseconds an attempt that has ended took.
   */
  readonly publish: (job: Job, times: { waited?: number; ran?: number }) => void
  /** Called when a job is queued again. It may begin in `delay` milliseconds. */
  readonly enqueue: (job: Omit<QueuedJob, 'dueAt'>, delay: number) => void
  /** Called when a job has ended. */
  readonly over: (job: Job, times: { ran?: number }) => void
}

/**
 * Gives jobs to idle workers, and writes the beginning and the end of each attempt to the jobs' file. It remembers
 * which worker has which job. A worker that asks for a job although it has not finished its last job was restarted.
 * This last job is queued again.
 */
export class Dispatcher {
  readonly #parts: DispatcherParts
  readonly #loop: EventLoop = getEventLoop()
  readonly #idle = new Map<string, ReplyPort<Job>>()
  readonly #running = new Map<string, Attempt>()
  #requeued = 0
  /**
   * Whether the store could not write the beginning of an attempt. It is true for `storeRetryDelay` milliseconds after
   * that, and no job begins while it is true.
   */
  #isBlocked = false
  /** The requests of `idle` by their tickets. They are answered when no job runs. */
  readonly #untilIdle = new Map<string, ReplyPort<void>>()

  constructor(parts: DispatcherParts) {
    this.#parts = parts
  }

  get statistics(): { running: number; idle: number; requeued: number } {
    return { running: this.#running.size, idle: this.#idle.size, requeued: this.#requeued }
  }

  /** Called by a worker that is idle. Answers with the next job as soon as one may begin. */
  take(worker: string): ReplyPort<Job> {
    const port = this.#parts.ctx.reply<Job>()
    this.#idle.get(worker)?.reject(new ReplyError(`${worker} has asked again`))
    this.#idle.set(worker, port)
    const lost = this.#running.get(worker)
    if (lost !== undefined && !lost.isEnding) {
      if (lost.isCancelled) this.#end(worker, lost, { cancelled: true })
      else this.#requeue(worker, lost)
    }
    this.dispatch()
    return port
  }

  /** Called by a worker whose attempt has ended. Answers when the outcome is written. */
  finish(worker: string, outcome: Outcome): ReplyPort<void> {
    const port = this.#parts.ctx.reply<void>()
    const attempt = this.#running.get(worker)
    if (attempt === undefined || attempt.isEnding) port.resolve()
    else this.#end(worker, attempt, outcome, () => port.resolve())
    return port
  }

  /** Cancels the running attempt of a job, if there is one. */
  cancel(id: number): void {
    for (const [worker, attempt] of this.#running) {
      if (attempt.queued.id !== id) continue
      attempt.isCancelled = true
      if (!attempt.isEnding) void this.#parts.worker(worker).tell.cancel(id)
    }
  }

  /** Answers when no job runs. `stopIdle` with the same ticket ends the wait. */
  idle(ticket: string): ReplyPort<void> {
    const port = this.#parts.ctx.reply<void>()
    this.#untilIdle.set(ticket, port)
    this.#tellIdle()
    return port
  }

  /**
   * Called when the asker of `idle` does not wait any more. The port is settled nevertheless, because an actor keeps
   * every port that is not settled.
   */
  stopIdle(ticket: string): void {
    this.#untilIdle.get(ticket)?.resolve()
    this.#untilIdle.delete(ticket)
  }

  /** Begins as many jobs as there are idle workers, and as the limits allow. */
  dispatch(): void {
    if (this.#isBlocked || !this.#parts.mayBegin()) return
    for (const [worker, port] of this.#idle) {
      // The end of this worker's last job is not written yet. That job still counts for the limits.
      if (this.#running.has(worker)) continue
      const queued = this.#parts.queue.take(this.#parts.admission)
      if (queued === null) return
      this.#idle.delete(worker)
      this.#begin(worker, port, queued)
    }
  }

  #begin(worker: string, port: ReplyPort<Job>, queued: QueuedJob): void {
    const { kind, group } = queued
    const { ctx, admission, asks } = this.#parts
    const place = admission.limits.enter(kind, group)
    const begunAt = this.#loop.time()
    const attempt: Attempt = {
      queued,
      place,
      begunAt,
      isCancelled: false,
      attempts: 0,
      isEnding: false,
    }
    this.#running.set(worker, attempt)
    this.#parts.checkClock()
    ctx.pipe(
      asks().begin(queued.id, admission.limits.isRated(kind)),
      (job) => {
        place.begin()
        attempt.attempts = job.attempts
        if (this.#running.get(worker) !== attempt) return
        attempt.begunAt = this.#loop.time()
        this.#parts.publish(job, { waited: attempt.begunAt - queued.dueAt })
        port.resolve(job)
      },
      (error) => {
        if (!(error instanceof StoreError)) throw error
        place.giveUp()
        if (this.#running.get(worker) !== attempt) return
        this.#leave(worker, attempt)
        this.#idle.set(worker, port)
        if (attempt.isCancelled) this.#cancelLater(queued)
        else this.#parts.enqueue(queued, 0)
        this.#block()
      },
    )
  }

  /**
   * Writes that a job was cancelled. Used for a job that was cancelled while the store wrote its beginning, which has
   * failed, or wrote that it is queued again.
   */
  #cancelLater(queued: QueuedJob): void {
    this.#retryWriting(
      () => this.#parts.asks().end(queued.id, 'cancelled'),
      (job) => this.#parts.over(job, {}),
    )
  }

  #block(): void {
    if (this.#isBlocked) return
    this.#isBlocked = true
    this.#parts.ctx.after(storeRetryDelay, () => {
      this.#isBlocked = false
      this.dispatch()
    })
  }

  #leave(worker: string, attempt: Attempt): void {
    if (this.#running.get(worker) === attempt) this.#running.delete(worker)
    attempt.place.leave()
    const { kind, group } = attempt.queued
    if (group !== null) this.#parts.queue.unblock(kind, group)
    this.#tellIdle()
    this.dispatch()
  }

  /** Writes the outcome of an attempt. If the jobs' file cannot be written, tries again. */
  #end(worker: string, attempt: Attempt, outcome: Outcome, then: () => void = () => {}): void {
    attempt.isEnding = true
    this.#parts.checkClock()
    const { id } = attempt.queued
    const delay = delayAfter(attempt.attempts)
    const ran = this.#loop.time() - attempt.begunAt
    const asks = this.#parts.asks
    this.#retryWriting(
      () => {
        if ('result' in outcome) return asks().end(id, 'done', outcome.result)
        if ('cancelled' in outcome || attempt.isCancelled) return asks().end(id, 'cancelled')
        return asks().fail(id, outcome.error, delay)
      },
      (job) => {
        if (job.state === 'queued') this.#again(attempt, job, delay, { ran })
        else this.#parts.over(job, { ran })
        then()
        this.#leave(worker, attempt)
      },
    )
  }

  #requeue(worker: string, attempt: Attempt): void {
    attempt.isEnding = true
    this.#parts.checkClock()
    this.#requeued++
    this.#retryWriting(
      () => this.#parts.asks().requeue(attempt.queued.id),
      (job) => {
        this.#again(attempt, job, 0, {})
        this.#leave(worker, attempt)
      },
    )
  }

  #again(attempt: Attempt, job: Job, delay: number, times: { ran?: number }): void {
    // The job was cancelled during the write that queued it again.
    if (attempt.isCancelled) {
      this.#cancelLater(attempt.queued)
      return
    }
    this.#parts.publish(job, times)
    this.#parts.enqueue(job, delay)
  }

  #retryWriting<T>(write: () => PromiseLike<T>, done: (value: T) => void): void {
    retryWriting(this.#parts.ctx, write, done)
  }

  #tellIdle(): void {
    if (this.#running.size > 0) return
    for (const port of this.#untilIdle.values()) port.resolve()
    this.#untilIdle.clear()
  }
}
