import { Actor, type ActorRef, ReplyError, type ReplyPort } from '@tasktree/actor'
import { type EventLoop, getEventLoop } from '@tasktree/core'
import type { Job, JobRequest, JobState, QueuedJob } from '../jobs/job.ts'
import type { KindTable } from '../jobs/kind-table.ts'
import { shorten } from '../jobs/shown-job.ts'
import type { JobFeed } from '../store/job-feed.ts'
import { StoreError } from '../store/group-commit.ts'
import type { Revival } from '../store/job-rows.ts'
import type { Schedule } from '../store/schedule-rows.ts'
import type { Store } from '../store/store.ts'
import { Admission } from './admission.ts'
import type { Attempt, Outcome } from './attempt.ts'
import { JobQueue } from './job-queue.ts'
import { JobWaiters, type Waiter } from './job-waiters.ts'
import type { KindLimits, LimitChange } from '../jobs/kind-limits.ts'
import { passOn } from './pass-on.ts'
import { retryWriting, storeRetryDelay } from './retry-writing.ts'
import { changeSetting, type Setting } from './change-setting.ts'
import { QueueFull } from './queue-full.ts'
import { Recovery } from './recovery.ts'
import { delayAfter } from './retry-delay.ts'
import type { QueueStatistics } from './queue-statistics.ts'
import { WallClock } from './wall-clock.ts'
import type { Worker } from './worker.ts'

export interface SchedulerOptions {
  /** At most this many jobs may be queued; further ones are refused. */
  maxQueued: number
  kinds: KindTable
  /** By kind, in place of the limits in its definition. */
  limits: Readonly<Record<string, LimitChange>>
}

/** Milliseconds between two looks at the wall clock. */
const clockTime = 1_000

/**
 * Hands jobs to workers, by priority and then by age. It remembers which worker has which job: one that
 * asks for another without having finished has been restarted, and what it had is queued again.
 */
export class Scheduler extends Actor {
  readonly #store: () => ActorRef<Store>
  readonly #worker: (name: string) => ActorRef<Worker>
  readonly #feed: JobFeed
  readonly #maxQueued: number
  readonly #admission: Admission
  readonly #loop: EventLoop = getEventLoop()
  readonly #clock = new WallClock()
  readonly #queue = new JobQueue(
    (ms, call) => void this.ctx.after(ms, call),
    () => this.#dispatch(),
  )
  readonly #recovery = new Recovery(this.#queue)
  readonly #idle = new Map<string, ReplyPort<Job>>()
  readonly #running = new Map<string, Attempt>()
  readonly #waiters = new JobWaiters()
  #adding = 0
  /** How often the clock was looked at. */
  #looks = 0
  #requeued = 0
  /** The file cannot be written: nothing is begun. */
  #isBlocked = false
  /** The server is ending: nothing is begun. */
  #isEnding = false
  /** To be answered when no job runs. */
  #untilIdle: ReplyPort<void>[] = []

  constructor(
    store: () => ActorRef<Store>,
    worker: (name: string) => ActorRef<Worker>,
    feed: JobFeed,
    { maxQueued, kinds, limits }: SchedulerOptions,
  ) {
    super()
    this.#store = store
    this.#worker = worker
    this.#feed = feed
    this.#maxQueued = maxQueued
    this.#admission = new Admission(kinds, limits, {
      after: (ms, call) => void this.ctx.after(ms, call),
      unblock: (kind, group) => this.#queue.unblock(kind, group),
      dispatch: () => this.#dispatch(),
    })
  }

  protected override onStart(): Promise<void> {
    this.ctx.every(clockTime, () => this.#checkClock())
    return this.#recover()
  }

  /** Where nothing can be written nothing is begun; questions are answered all the same. */
  async #recover(): Promise<void> {
    try {
      await this.#admission.read(this.#asks)
      await this.#recovery.read(this.#asks)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.ctx.after(storeRetryDelay, () => this.#recover())
    }
  }

  /** Clients can connect: from now on jobs are begun. */
  open(): void {
    this.#recovery.open()
    this.#dispatch()
  }

  #checkClock(): void {
    if (++this.#looks % 60 === 0) this.#forgetBegins()
    const step = this.#clock.takeStep()
    if (step === 0) return
    this.ctx.log.warn(`the wall clock has stepped by ${step} ms: waits stay as long as they were`)
    this.#shiftDelays(step)
  }

  /** Where nothing can be written now, the next minute tries again. */
  #forgetBegins(): void {
    this.ctx.pipe(
      this.#asks.forgetBegins(this.#admission.sweep()),
      () => {},
      () => {},
    )
  }

  #shiftDelays(step: number): void {
    this.#retryWriting(() => this.#asks.shiftDelays(step))
  }

  /** Questions to the store without a time limit, because the store answers after its write, and a disk may be slow. */
  get #asks(): ActorRef<Store>['ask'] {
    const { ask } = this.#store()
    return ask({ timeout: Infinity }) as ActorRef<Store>['ask']
  }

  /** Answers after the commit. @throws {QueueFull} @throws {StoreError} */
  submit(request: JobRequest): ReplyPort<number> {
    if (this.#queue.size + this.#adding >= this.#maxQueued) throw new QueueFull(this.#maxQueued)
    const port = this.ctx.reply<number>()
    this.#adding++
    this.ctx.pipe(
      this.#asks.add(request),
      ({ job, isNew }) => {
        this.#adding--
        if (isNew) {
          this.#publish(job)
          this.#enqueue(job, request.delay)
        }
        port.resolve(job.id)
      },
      (error) => {
        this.#adding--
        port.reject(passOn(error))
      },
    )
    return port
  }

  /** Adds the jobs of a schedule for the times `due`; answers with their numbers, after the commit. */
  fire(schedule: Schedule, due: readonly number[], nextAt: number | null): ReplyPort<number[]> {
    if (due.length > 0 && this.#queue.size + this.#adding >= this.#maxQueued)
      throw new QueueFull(this.#maxQueued)
    const port = this.ctx.reply<number[]>()
    this.ctx.pipe(
      this.#asks.fire(schedule, due, nextAt),
      (jobs) => {
        for (const job of jobs) {
          this.#publish(job)
          this.#enqueue(job, schedule.request.delay)
        }
        port.resolve(jobs.map(({ id }) => id))
      },
      (error) => port.reject(passOn(error)),
    )
    return port
  }

  /** The next job for `worker`, when there is one. */
  take(worker: string): ReplyPort<Job> {
    const port = this.ctx.reply<Job>()
    this.#idle.get(worker)?.reject(new ReplyError(`${worker} has asked again`))
    this.#idle.set(worker, port)
    const lost = this.#running.get(worker)
    if (lost !== undefined && !lost.isEnding) {
      if (lost.isCancelled) this.#end(worker, lost, { cancelled: true })
      else this.#requeue(worker, lost)
    }
    this.#dispatch()
    return port
  }

  /** Answers when it is written. */
  finish(worker: string, outcome: Outcome): ReplyPort<void> {
    const port = this.ctx.reply<void>()
    const attempt = this.#running.get(worker)
    if (attempt === undefined || attempt.isEnding) port.resolve()
    else this.#end(worker, attempt, outcome, () => port.resolve())
    return port
  }

  /** Answers with the job when it has ended, cancelled or otherwise; null when there is no such job. */
  cancel(id: number): ReplyPort<Job | null> {
    const port = this.ctx.reply<Job | null>()
    const queued = this.#queue.remove(id)
    if (queued !== undefined) {
      this.ctx.pipe(
        this.#asks.end(id, 'cancelled'),
        (job) => {
          this.#over(job)
          port.resolve(job)
        },
        (error) => {
          if (this.#queue.putBack(queued)) this.#dispatch()
          port.reject(passOn(error))
        },
      )
      return port
    }
    for (const [worker, attempt] of this.#running) {
      if (attempt.queued.id !== id) continue
      attempt.isCancelled = true
      if (!attempt.isEnding) void this.#worker(worker).tell.cancel(id)
    }
    this.#awaitEnd(id, { port, timer: null, ticket: null })
    return port
  }

  /** Queues a job again that has ended in one of `states`. */
  revive(id: number, states: readonly JobState[]): ReplyPort<Revival> {
    const port = this.ctx.reply<Revival>()
    this.ctx.pipe(
      this.#asks.revive(id, states),
      (revival) => {
        if (revival.job !== null) {
          this.#publish(revival.job)
          this.#enqueue(revival.job, 0)
        }
        port.resolve(revival)
      },
      (error) => port.reject(passOn(error)),
    )
    return port
  }

  /** Answers with the job when it has ended, or as it is after `ms` milliseconds; null when there is none. */
  wait(id: number, ms: number | null = null, ticket: string | null = null): ReplyPort<Job | null> {
    const port = this.ctx.reply<Job | null>()
    const waiter: Waiter = { port, timer: null, ticket }
    if (ms !== null)
      waiter.timer = this.ctx.after(ms, () => {
        if (this.#waiters.remove(id, waiter)) this.#answer(port, this.#asks.get(id))
      })
    this.#awaitEnd(id, waiter)
    return port
  }

  /** The asker of that wait has gone. */
  stopWaiting(id: number, ticket: string): void {
    this.#waiters.removeTicket(id, ticket)
  }

  /** Begins no more jobs of a kind, or none at all, also after a restart. Answers when that is written. */
  pause(kind: string | null): ReplyPort<void> {
    return this.#change('paused', this.#admission.pauses, (pauses) => pauses.add(kind))
  }

  /** Begins jobs of a kind again; without a kind, jobs of every kind. */
  resume(kind: string | null): ReplyPort<void> {
    const { pauses } = this.#admission
    if (kind !== null && pauses.hasAll)
      throw new ReplyError('every kind is paused: resume all of them')
    return this.#change('paused', pauses, () => pauses.remove(kind))
  }

  /** Changes the limits of a kind, also for later starts; null: they are again what they were at the start. */
  limit(kind: string, change: LimitChange | null): ReplyPort<void> {
    const { limits } = this.#admission
    return this.#change('limits', limits, () => {
      limits.change(kind, change)
      this.#queue.unblockAll(kind)
    })
  }

  limitsOf(kind: string): KindLimits {
    return this.#admission.limits.of(kind)
  }

  /** Kinds were loaded anew. */
  kindsChanged(): void {
    for (const kind of this.#admission.kinds) this.#queue.unblockAll(kind)
    this.#dispatch()
  }

  #change<S extends Setting>(name: string, setting: S, change: (it: S) => void): ReplyPort<void> {
    const write = (text: string): PromiseLike<void> => this.#asks.set(name, text)
    return changeSetting(setting, change, write, this.ctx, () => this.#dispatch())
  }

  /** Answers when no job runs. */
  idle(): ReplyPort<void> {
    const port = this.ctx.reply<void>()
    this.#untilIdle.push(port)
    this.#tellIdle()
    return port
  }

  /** The server is ending: begins no more jobs; answers when those that run have ended. */
  drain(): ReplyPort<void> {
    this.#isEnding = true
    return this.idle()
  }

  statistics(): QueueStatistics {
    return {
      ready: this.#queue.readySize,
      running: this.#running.size,
      idle: this.#idle.size,
      requeued: this.#requeued,
      waiters: this.#waiters.size,
      paused: this.#admission.pauses.list(),
    }
  }

  #publish(job: Job, times: { waited?: number; ran?: number } = {}): void {
    this.#feed.publish({ type: 'state', job: shorten(job), ...times })
  }

  #answer<T>(port: ReplyPort<T>, reply: PromiseLike<T>): void {
    this.ctx.pipe(
      async () => reply,
      (value) => port.resolve(value),
      (error) => port.reject(passOn(error)),
    )
  }

  /** `delay`: in how many milliseconds it may begin. */
  #enqueue(job: Omit<QueuedJob, 'dueAt'>, delay: number): void {
    if (this.#queue.add(job, delay)) this.#dispatch()
  }

  #dispatch(): void {
    if (!this.#recovery.isOpen || this.#isEnding || this.#isBlocked) return
    for (const [worker, port] of this.#idle) {
      // Its last job is still being written: it keeps its place until then.
      if (this.#running.has(worker)) continue
      const queued = this.#queue.take(this.#admission)
      if (queued === null) return
      this.#idle.delete(worker)
      this.#begin(worker, port, queued)
    }
  }

  #begin(worker: string, port: ReplyPort<Job>, queued: QueuedJob): void {
    const { kind, group } = queued
    const place = this.#admission.limits.enter(kind, group)
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
    this.ctx.pipe(
      this.#asks.begin(queued.id, this.#admission.limits.isRated(kind)),
      (job) => {
        place.begin()
        attempt.attempts = job.attempts
        if (this.#running.get(worker) !== attempt) return
        attempt.begunAt = this.#loop.time()
        this.#publish(job, { waited: attempt.begunAt - queued.dueAt })
        port.resolve(job)
      },
      (error) => {
        if (!(error instanceof StoreError)) throw error
        place.giveUp()
        if (this.#running.get(worker) !== attempt) return
        this.#leave(worker, attempt)
        this.#idle.set(worker, port)
        if (attempt.isCancelled) this.#cancelLater(queued)
        else this.#enqueue(queued, 0)
        this.#block()
      },
    )
  }

  /** Writes that a job is cancelled which was cancelled while its beginning could not be written. */
  #cancelLater(queued: QueuedJob): void {
    this.#retryWriting(
      () => this.#asks.end(queued.id, 'cancelled'),
      (job) => this.#over(job),
    )
  }

  #block(): void {
    if (this.#isBlocked) return
    this.#isBlocked = true
    this.ctx.after(storeRetryDelay, () => {
      this.#isBlocked = false
      this.#dispatch()
    })
  }

  #leave(worker: string, attempt: Attempt): void {
    if (this.#running.get(worker) === attempt) this.#running.delete(worker)
    attempt.place.leave()
    const { kind, group } = attempt.queued
    if (group !== null) this.#queue.unblock(kind, group)
    this.#tellIdle()
    this.#dispatch()
  }

  /** Writes the outcome of an attempt, and tries again until the file takes it. */
  #end(worker: string, attempt: Attempt, outcome: Outcome, then: () => void = () => {}): void {
    attempt.isEnding = true
    const { id } = attempt.queued
    const delay = delayAfter(attempt.attempts)
    const ran = this.#loop.time() - attempt.begunAt
    this.#retryWriting(
      () => {
        if ('result' in outcome) return this.#asks.end(id, 'done', outcome.result)
        if ('cancelled' in outcome || attempt.isCancelled) return this.#asks.end(id, 'cancelled')
        return this.#asks.fail(id, outcome.error, delay)
      },
      (job) => {
        if (job.state === 'queued') this.#again(attempt, job, delay, ran)
        else this.#over(job, ran)
        then()
        this.#leave(worker, attempt)
      },
    )
  }

  #requeue(worker: string, attempt: Attempt): void {
    attempt.isEnding = true
    this.#requeued++
    this.#retryWriting(
      () => this.#asks.requeue(attempt.queued.id),
      (job) => {
        this.#again(attempt, job, 0)
        this.#leave(worker, attempt)
      },
    )
  }

  #again(attempt: Attempt, job: Job, delay: number, ran?: number): void {
    // It was to be cancelled while that was written.
    if (attempt.isCancelled) {
      this.#cancelLater(attempt.queued)
      return
    }
    this.#publish(job, ran === undefined ? {} : { ran })
    this.#enqueue(job, delay)
  }

  #retryWriting<T>(write: () => PromiseLike<T>, done: (value: T) => void = () => {}): void {
    retryWriting(this.ctx, write, done)
  }

  /** A job has come to its end. */
  #over(job: Job, ran?: number): void {
    this.#publish(job, ran === undefined ? {} : { ran })
    this.#waiters.tell(job)
  }

  #awaitEnd(id: number, waiter: Waiter): void {
    this.#waiters.add(id, waiter)
    this.#waiters.settleIfOver(id, waiter, this.#asks.get(id), this.ctx)
  }

  #tellIdle(): void {
    if (this.#running.size > 0) return
    const ports = this.#untilIdle
    this.#untilIdle = []
    for (const port of ports) port.resolve()
  }
}
