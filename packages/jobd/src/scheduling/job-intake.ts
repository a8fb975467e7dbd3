import type { ActorContext, ActorRef, ReplyPort } from '@tasktree/actor'
import type { Job, JobRequest, JobState } from '../jobs/job.ts'
import type { Revival } from '../store/job-rows.ts'
import type { Schedule } from '../store/schedule-rows.ts'
import type { Store } from '../store/store.ts'
import type { JobQueue } from './job-queue.ts'
import { passOn } from './pass-on-error.ts'
import { QueueFull } from './queue-full.ts'

/** The parts of the server that the intake uses, and the function that it calls. */
export interface IntakeParts {
  readonly ctx: ActorContext
  readonly queue: JobQueue
  /** At most this many jobs may be queued. */
  readonly maxQueued: number
  /** Returns the function that sends requests to the store, with no time limit for the answer. */
  readonly asks: () => ActorRef<Store>['ask']
  /** Called when the jobs' file has a job as a queued job, which may begin in `delay` milliseconds. */
  readonly queued: (job: Job, delay: number) => void
}

/**
 * Lets jobs into the queue: new jobs of clients and of schedules, and ended jobs that a client queues again. Each is
 * written to the jobs' file first. When the queue is full, they are refused.
 */
export class JobIntake {
  readonly #parts: IntakeParts
  /** How many jobs the store is writing as queued jobs at the moment. */
  #adding = 0

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  get #isFull(): boolean {
    const { queue, maxQueued } = this.#parts
    return queue.size + this.#adding >= maxQueued
  }

  /** @throws {QueueFull} when the queue has as many jobs as it may have */
  #checkRoom(): void {
    if (this.#isFull) throw new QueueFull(this.#parts.maxQueued)
  }

  /**
   * Adds a job. Answers with its number when the job is committed to the jobs' file. If another job holds the key,
   * answers with the number of that job, even if the queue is full.
   *
   * @throws {QueueFull} when the queue has as many jobs as it may have
   * @throws {StoreError} when the job could not be written
   */
  add(request: JobRequest): ReplyPort<number> {
    const { key } = request
    const { asks, queued } = this.#parts
    if (key !== null && this.#isFull) return this.#answerFull(asks().keyHolder(key), (id) => id)
    return this.#queueOne(
      () => asks().add(request),
      ({ job, isNew }) => {
        if (isNew) queued(job, request.delay)
        return job.id
      },
    )
  }

  /**
   * Called when the queue is full. Answers with what `answer` makes of the value that the store has read.
   *
   * @throws {QueueFull} when `answer` returns null
   */
  #answerFull<T, R>(reading: PromiseLike<T>, answer: (value: T) => R | null): ReplyPort<R> {
    const { ctx, maxQueued } = this.#parts
    const port = ctx.reply<R>()
    ctx.pipe(
      reading,
      (value) => {
        const found = answer(value)
        if (found === null) port.reject(new QueueFull(maxQueued))
        else port.resolve(found)
      },
      (error) => port.reject(passOn(error)),
    )
    return port
  }

  /**
   * Adds the jobs of a schedule for the times `due`, and moves the schedule on to `nextAt`. Answers with the numbers of
   * the jobs after the commit.
   *
   * @throws {QueueFull} when a time is due and the queue has as many jobs as it may have
   */
  fire(schedule: Schedule, due: readonly number[], nextAt: number | null): ReplyPort<number[]> {
    if (due.length > 0) this.#checkRoom()
    const { ctx, asks, queued } = this.#parts
    const port = ctx.reply<number[]>()
    ctx.pipe(
      asks().fire(schedule, due, nextAt),
      (jobs) => {
        for (const job of jobs) queued(job, schedule.request.delay)
        port.resolve(jobs.map(({ id }) => id))
      },
      (error) => port.reject(passOn(error)),
    )
    return port
  }

  /**
   * Queues a job again, if its state is one of `states`. If there is no such job, or if its state is another
   * one, the answer says so. This check comes before the check whether the queue is full.
   *
   * @throws {QueueFull} when the queue has as many jobs as it may have
   */
  revive(id: number, states: readonly JobState[]): ReplyPort<Revival> {
    const { asks, queued } = this.#parts
    if (this.#isFull)
      return this.#answerFull(asks().get(id), (before) =>
        before !== null && states.includes(before.state)
          ? null
          : { before, job: null, keyHolder: null },
      )
    return this.#queueOne(
      () => asks().revive(id, states),
      (revival) => {
        if (revival.job !== null) queued(revival.job, 0)
        return revival
      },
    )
  }

  /**
   * Calls `write`, which asks the store to write that a job is queued. After the store's answer calls `done`, and
   * answers the caller with its result. Until the store answers, the job counts as a queued job.
   *
   * @throws {QueueFull} when the queue has as many jobs as it may have
   */
  #queueOne<T, R>(write: () => PromiseLike<T>, done: (value: T) => R): ReplyPort<R> {
    this.#checkRoom()
    const { ctx } = this.#parts
    const port = ctx.reply<R>()
    this.#adding++
    ctx.pipe(
      write(),
      (value) => {
        this.#adding--
        port.resolve(done(value))
      },
      (error) => {
        this.#adding--
        port.reject(passOn(error))
      },
    )
    return port
  }
}
