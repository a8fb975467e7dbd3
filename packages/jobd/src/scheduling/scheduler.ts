import { Actor, type ActorRef, ReplyError, type ReplyPort } from '@tasktree/actor'
import type { Job, JobRequest, JobState, QueuedJob } from '../jobs/job.ts'
import type { KindTable } from '../jobs/kind-table.ts'
import { shorten } from '../jobs/shown-job.ts'
import type { JobFeed } from '../store/job-feed.ts'
import { StoreError } from '../store/group-commit.ts'
import type { Revival } from '../store/job-rows.ts'
import type { Schedule } from '../store/schedule-rows.ts'
import type { Store } from '../store/store.ts'
import { Admission } from './admission.ts'
import type { Outcome } from './attempt.ts'
import { Dispatcher } from './dispatcher.ts'
import { JobIntake } from './job-intake.ts'
import { JobQueue } from './job-queue.ts'
import { JobWaiters, type Waiter } from './job-waiters.ts'
import type { KindLimits, LimitChange } from '../jobs/kind-limits.ts'
import { passOn } from './pass-on-error.ts'
import { retryWriting, storeRetryDelay } from './retry-writing.ts'
import { changeSetting, type Setting } from './change-setting.ts'
import { QueueLoader } from './queue-loader.ts'
import type { QueueStatistics } from './queue-statistics.ts'
import { WallClock } from './wall-clock.ts'
import type { Worker } from './worker.ts'

export interface SchedulerOptions {
  /**
   * At most this many jobs may be queued. Further jobs are refused: new jobs, and ended jobs that a client wants to
   * queue again.
   */
  maxQueued: number
  kinds: KindTable
  /** Limits by kind, which replace the limits in the definition of the kind. */
  limits: Readonly<Record<string, LimitChange>>
}

/** Milliseconds between two checks of the wall clock. */
const clockTime = 1_000

/**
 * Accepts jobs, stores them, and gives them to the workers by priority and then by age, as far as delays, pauses and
 * limits allow. The code in `job-intake.ts` lets jobs into the queue, the code in `ready-jobs.ts` decides their order,
 * and the code in `dispatcher.ts` follows the attempts.
 */
export class Scheduler extends Actor {
  readonly #store: () => ActorRef<Store>
  readonly #worker: (name: string) => ActorRef<Worker>
  readonly #feed: JobFeed
  readonly #maxQueued: number
  readonly #admission: Admission
  readonly #clock = new WallClock()
  readonly #queue = new JobQueue(
    (ms, call) => void this.ctx.after(ms, call),
    () => this.#dispatch(),
  )
  readonly #loader = new QueueLoader(this.#queue)
  readonly #waiters = new JobWaiters()
  /** How many times the wall clock was checked. */
  #looks = 0
  /** Whether the server is ending. While it is ending, no job begins. */
  #isEnding = false
  #dispatcher!: Dispatcher
  #intake!: JobIntake

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
    this.#dispatcher = new Dispatcher({
      ctx: this.ctx,
      queue: this.#queue,
      admission: this.#admission,
      asks: () => this.#asks,
      worker: this.#worker,
      mayBegin: () => this.#loader.isOpen && !this.#isEnding,
      checkClock: () => this.#checkClock(),
      publish: (job, times) => this.#publish(job, times),
      enqueue: (job, delay) => this.#enqueue(job, delay),
      over: (job, times) => this.#over(job, times),
    })
    this.#intake = new JobIntake({
      ctx: this.ctx,
      queue: this.#queue,
      maxQueued: this.#maxQueued,
      asks: () => this.#asks,
      queued: (job, delay) => {
        this.#publish(job)
        this.#enqueue(job, delay)
      },
    })
    this.ctx.every(clockTime, () => {
      if (++this.#looks % 60 === 0) this.#forgetBegins()
      this.#checkClock()
    })
    return this.#load()
  }

  /**
   * Loads the settings and the queued jobs. If the store answers with a StoreError, tries again later. Until the load
   * succeeds no job begins, but requests are answered.
   */
  async #load(): Promise<void> {
    try {
      await this.#admission.read(this.#asks)
      await this.#loader.read(this.#asks)
      for (const id of this.#waiters.jobs)
        if (this.#waiters.isCancelled(id) && this.#queue.remove(id) !== undefined)
          this.#cancelLate(id)
      this.#dispatch()
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.ctx.after(storeRetryDelay, () => this.#load())
    }
  }

  /** Called when clients can connect. Before this call no job begins. */
  open(): void {
    this.#loader.open()
    this.#dispatch()
  }

  #checkClock(): void {
    const step = this.#clock.takeStep()
    if (step === 0) return
    this.ctx.log.warn(`the wall clock has stepped by ${step} ms: waits stay as long as they were`)
    retryWriting(
      this.ctx,
      () => this.#asks.shiftTimes(step),
      () => {},
    )
  }

  /**
   * Deletes the start times of jobs that no limited rate needs any more. If the jobs' file cannot be written, the next
   * call, a minute later, deletes them.
   */
  #forgetBegins(): void {
    this.ctx.pipe(
      this.#asks.forgetBegins(this.#admission.sweep()),
      () => {},
      () => {},
    )
  }

  /** Asks the store without a time limit, because the store answers after its write, and a disk may be slow. */
  get #asks(): ActorRef<Store>['ask'] {
    const { ask } = this.#store()
    return ask({ timeout: Infinity }) as ActorRef<Store>['ask']
  }

  /** Adds a job of a client. `JobIntake.add` describes the answer. */
  submit(request: JobRequest): ReplyPort<number> {
    return this.#intake.add(request)
  }

  /** Adds the jobs of a schedule. `JobIntake.fire` describes the answer. */
  fire(schedule: Schedule, due: readonly number[], nextAt: number | null): ReplyPort<number[]> {
    return this.#intake.fire(schedule, due, nextAt)
  }

  /** Called by a worker that is idle. Answers with the next job as soon as one may begin. */
  take(worker: string): ReplyPort<Job> {
    return this.#dispatcher.take(worker)
  }

  /** Called by a worker whose attempt has ended. Answers when the outcome is written. */
  finish(worker: string, outcome: Outcome): ReplyPort<void> {
    return this.#dispatcher.finish(worker, outcome)
  }

  /**
   * Cancels a job. Answers with the job when it has ended, or at once if it had ended before the cancel. Answers with
   * null if there is no such job.
   */
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
    this.#dispatcher.cancel(id)
    this.#awaitEnd(id, { port, timer: null, ticket: null, cancels: true })
    return port
  }

  /** Queues an ended job again. `JobIntake.revive` describes the answer. */
  revive(id: number, states: readonly JobState[]): ReplyPort<Revival> {
    return this.#intake.revive(id, states)
  }

  /**
   * Answers with the job when it has ended, or with its current state after `ms` milliseconds; null if there is no such
   * job. `stopWaiting` with the same ticket ends the wait.
   */
  wait(id: number, ms: number | null = null, ticket: string | null = null): ReplyPort<Job | null> {
    const port = this.ctx.reply<Job | null>()
    const waiter: Waiter = { port, timer: null, ticket, cancels: false }
    if (ms !== null)
      waiter.timer = this.ctx.after(ms, () => {
        if (this.#waiters.remove(id, waiter)) this.#answer(port, this.#asks.get(id))
      })
    this.#awaitEnd(id, waiter)
    return port
  }

  /** Called when the asker of `wait` does not wait any more. */
  stopWaiting(id: number, ticket: string): void {
    this.#waiters.removeTicket(id, ticket)
  }

  /**
   * Pauses a kind, or every kind if `kind` is null: no job of it begins until `resume`, even after a restart of the
   * server. Answers when the pause is written.
   */
  pause(kind: string | null): ReplyPort<void> {
    return this.#change('paused', this.#admission.pauses, (pauses) => pauses.add(kind))
  }

  /** Resumes a paused kind, or every kind if `kind` is null. */
  resume(kind: string | null): ReplyPort<void> {
    const { pauses } = this.#admission
    if (kind !== null && pauses.hasAll)
      throw new ReplyError('every kind is paused: resume all of them')
    return this.#change('paused', pauses, () => pauses.remove(kind))
  }

  /**
   * Changes the limits of a kind. The change also holds after the server is started again. If `change` is null, the
   * kind has its limits from the start of the server again.
   */
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

  /** Called when kinds were reloaded. */
  kindsChanged(): void {
    for (const kind of this.#admission.kinds) this.#queue.unblockAll(kind)
    this.#dispatch()
  }

  #change<S extends Setting>(name: string, setting: S, change: (it: S) => void): ReplyPort<void> {
    const write = (text: string): PromiseLike<void> => this.#asks.set(name, text)
    return changeSetting(setting, change, write, this.ctx, () => this.#dispatch())
  }

  /** Answers when no job runs. `stopIdle` with the same ticket ends the wait. */
  idle(ticket: string): ReplyPort<void> {
    return this.#dispatcher.idle(ticket)
  }

  /** Called when the asker of `idle` does not wait any more. */
  stopIdle(ticket: string): void {
    this.#dispatcher.stopIdle(ticket)
  }

  /** Called when the server is ending. No more jobs begin. Answers when the running jobs have ended. */
  drain(): ReplyPort<void> {
    this.#isEnding = true
    return this.idle('end')
  }

  statistics(): QueueStatistics {
    return {
      ...this.#dispatcher.statistics,
      ready: this.#queue.readySize,
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

  /**
   * Adds a job to the queue, where it may begin in `delay` milliseconds. If the job was cancelled before this call,
   * ends the job instead.
   */
  #enqueue(job: Omit<QueuedJob, 'dueAt'>, delay: number): void {
    if (this.#waiters.isCancelled(job.id)) this.#cancelLate(job.id)
    else if (this.#queue.add(job, delay)) this.#dispatch()
  }

  /**
   * Ends a job that was cancelled before the queue had it: while the store was writing that it is queued, or while the
   * queued jobs were loaded.
   */
  #cancelLate(id: number): void {
    retryWriting(
      this.ctx,
      () => this.#asks.end(id, 'cancelled'),
      (job) => this.#over(job),
    )
  }

  #dispatch(): void {
    this.#dispatcher.dispatch()
  }

  /** Called when a job has ended. */
  #over(job: Job, times: { ran?: number } = {}): void {
    this.#publish(job, times)
    this.#waiters.tell(job)
  }

  #awaitEnd(id: number, waiter: Waiter): void {
    this.#waiters.add(id, waiter)
    this.#waiters.settleIfOver(id, waiter, this.#asks.get(id), this.ctx)
  }
}
