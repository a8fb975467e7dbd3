import { Actor, type ActorRef, ReplyError, type ReplyPort } from '@tasktree/actor'
import { CapacityLimiter, PriorityQueue, type Releaser } from '@tasktree/sync'
import {
  finalStates,
  type Job,
  type JobKind,
  type JobRequest,
  type QueuedJob,
} from '../jobs/job.ts'
import type { JobFeed } from '../store/job-feed.ts'
import { JobWaiters, type WaitingPort } from './job-waiters.ts'
import { ReadyJobs } from './ready-jobs.ts'
import { type Store, StoreError } from '../store/store.ts'
import type { Worker } from './worker.ts'
import { shorten } from '../jobs/shown-job.ts'

/** What came of an attempt. */
export type Outcome = { result: string } | { error: string } | { cancelled: true }

export interface SchedulerOptions {
  /** So many jobs may be queued; further ones are refused. */
  maxQueued: number
  /** How many jobs of a kind may run at once. */
  capacity: Partial<Record<JobKind, number>>
}

/** No room for another job. */
export class QueueFull extends ReplyError {
  override readonly name: string = 'QueueFull'

  constructor(limit: number) {
    super(`${limit} jobs are queued, which is all there may be: try again later`)
  }
}

/** A failed attempt waits this long before the next, and twice as long each time, up to an hour; with jitter. */
const firstRetryDelay = 100
const longestRetryDelay = 3_600_000

/** When the file could not be written, it is tried again so much later. Milliseconds. */
const storeRetryDelay = 1_000

/** Timers of days are not exact: it is looked at again after so long. Milliseconds. */
const longestTimer = 3_600_000

/** A job that a worker has, from when it is handed out until its end is written. */
interface Attempt {
  readonly queued: QueuedJob
  readonly place: Releaser
  isCancelled: boolean
  /** Counted for the job, once that is written. */
  attempts: number
  isEnding: boolean
}

/**
 * Hands jobs to workers, by priority and then by age. It remembers which worker has which job: one that
 * asks for another without having finished has been restarted, and what it had is queued again.
 */
export class Scheduler extends Actor {
  readonly #store: () => ActorRef<Store>
  readonly #worker: (name: string) => ActorRef<Worker>
  readonly #feed: JobFeed
  readonly #maxQueued: number
  readonly #limiters: ReadonlyMap<JobKind, CapacityLimiter>
  /** Those that wait for a worker or for their time; what is in line without being here is none any more. */
  readonly #queued = new Map<number, QueuedJob>()
  #ready = new ReadyJobs()
  readonly #delayed = new PriorityQueue<QueuedJob>({ compare: (a, b) => a.notBefore - b.notBefore })
  readonly #idle = new Map<string, ReplyPort<Job>>()
  readonly #running = new Map<string, Attempt>()
  readonly #waiters = new JobWaiters()
  #adding = 0
  #requeued = 0
  /** When the delayed jobs are looked at next. */
  #wakeAt = Infinity
  /** The file cannot be written: nothing is begun. */
  #isPaused = false
  /** Told to hand out no more jobs; answered when none runs. */
  #drained: ReplyPort<void> | null = null

  constructor(
    store: () => ActorRef<Store>,
    worker: (name: string) => ActorRef<Worker>,
    feed: JobFeed,
    { maxQueued, capacity }: SchedulerOptions,
  ) {
    super()
    this.#store = store
    this.#worker = worker
    this.#feed = feed
    this.#maxQueued = maxQueued
    this.#limiters = new Map(
      (Object.keys(capacity) as JobKind[]).map((kind) => [
        kind,
        new CapacityLimiter(capacity[kind] ?? Infinity),
      ]),
    )
  }

  protected override onStart(): Promise<void> {
    return this.#recover()
  }

  /** Where nothing can be written nothing is begun; what is asked is answered all the same. */
  async #recover(): Promise<void> {
    try {
      for (const job of await this.#asks.recover()) this.#enqueue(job)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.ctx.after(storeRetryDelay, () => this.#recover())
    }
  }

  /** It answers when it has written; a slow disk is no reason to give up. */
  get #asks(): ActorRef<Store>['ask'] {
    const { ask } = this.#store()
    return ask({ timeout: Infinity }) as ActorRef<Store>['ask']
  }

  /** Answers after the commit. @throws {QueueFull} @throws {StoreError} */
  submit(request: JobRequest): ReplyPort<number> {
    if (this.#queued.size + this.#adding >= this.#maxQueued) throw new QueueFull(this.#maxQueued)
    const port = this.ctx.reply<number>()
    this.#adding++
    this.ctx.pipe(
      this.#asks.add(request),
      ({ job, isNew }) => {
        this.#adding--
        if (isNew) {
          this.#publish(job)
          this.#enqueue(job)
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
    const queued = this.#queued.get(id)
    if (queued !== undefined) {
      this.#queued.delete(id)
      this.ctx.pipe(
        this.#asks.end(id, 'cancelled'),
        (job) => {
          this.#over(job)
          port.resolve(job)
        },
        (error) => {
          this.#enqueue(queued)
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
    this.#awaitEnd(id, port)
    return port
  }

  /** Queues a job again that has failed or was cancelled. Answers with the job as it was; null when there is none. */
  retry(id: number): ReplyPort<Job | null> {
    const port = this.ctx.reply<Job | null>()
    const fail = (error: unknown): void => port.reject(passOn(error))
    this.ctx.pipe(
      this.#asks.get(id),
      (before) => {
        if (before === null || (before.state !== 'failed' && before.state !== 'cancelled')) {
          port.resolve(before)
          return
        }
        this.ctx.pipe(
          this.#asks.retry(id),
          (job) => {
            this.#publish(job)
            this.#enqueue(job)
            port.resolve(before)
          },
          fail,
        )
      },
      fail,
    )
    return port
  }

  /**
   * Answers with the job when it has ended, or as it is after `ms` milliseconds; null when there is none. When
   * `signal` aborts nobody waits any more.
   */
  wait(
    id: number,
    ms: number | null = null,
    signal: AbortSignal | null = null,
  ): ReplyPort<Job | null> {
    const port = this.ctx.reply<Job | null>()
    this.#awaitEnd(id, port)
    signal?.addEventListener('abort', () => this.#waiters.remove(id, port), { once: true })
    if (ms !== null)
      this.ctx.after(ms, () => {
        if (this.#waiters.remove(id, port)) this.#answer(port, this.#asks.get(id))
      })
    return port
  }

  /** Hands out no more jobs; answers when those that run have ended. */
  drain(): ReplyPort<void> {
    const port = this.ctx.reply<void>()
    this.#drained = port
    this.#tellDrained()
    return port
  }

  statistics(): { ready: number; running: number; idle: number; requeued: number } {
    return {
      ready: this.#ready.size,
      running: this.#running.size,
      idle: this.#idle.size,
      requeued: this.#requeued,
    }
  }

  #publish(job: Job): void {
    this.#feed.publish({ type: 'state', job: shorten(job) })
  }

  #answer<T>(port: ReplyPort<T>, reply: PromiseLike<T>): void {
    this.ctx.pipe(
      async () => reply,
      (value) => port.resolve(value),
      (error) => port.reject(passOn(error)),
    )
  }

  #enqueue(job: QueuedJob): void {
    const { id, kind, priority, notBefore } = job
    const queued = { id, kind, priority, notBefore }
    if (this.#ready.size + this.#delayed.qsize() > 2 * this.#queued.size + 1_000) this.#lineUpAnew()
    this.#queued.set(id, queued)
    if (notBefore > Date.now()) {
      this.#delayed.putNowait(queued)
      this.#wakeFor(notBefore)
    } else {
      this.#ready.put(queued)
      this.#dispatch()
    }
  }

  /** Those that were cancelled are still in line: they must not become many. */
  #lineUpAnew(): void {
    this.#ready = new ReadyJobs()
    const delayed = this.#delayed
    while (!delayed.empty()) delayed.getNowait()
    for (const job of this.#queued.values()) {
      if (job.notBefore > Date.now()) delayed.putNowait(job)
      else this.#ready.put(job)
    }
  }

  /** One timer, for whichever is the first. */
  #wakeFor(time: number): void {
    if (time >= this.#wakeAt) return
    this.#wakeAt = time
    const early = Math.max(0, time - Date.now())
    this.ctx.after(Math.min(early, longestTimer), () => {
      if (this.#wakeAt !== time) return
      this.#wakeAt = Infinity
      this.#readyWhatIsDue()
    })
  }

  #readyWhatIsDue(): void {
    while (!this.#delayed.empty()) {
      const job = this.#delayed.getNowait()
      if (job.notBefore > Date.now()) {
        this.#delayed.putNowait(job)
        this.#wakeFor(job.notBefore)
        break
      }
      this.#ready.put(job)
    }
    this.#dispatch()
  }

  #dispatch(): void {
    if (this.#drained !== null || this.#isPaused) return
    for (const [worker, port] of this.#idle) {
      // Its last job is still being written: it keeps its place until then.
      if (this.#running.has(worker)) continue
      const queued = this.#ready.take(
        (kind) => (this.#limiters.get(kind)?.available ?? 1) > 0,
        (job) => this.#queued.get(job.id) === job,
      )
      if (queued === null) return
      this.#idle.delete(worker)
      this.#queued.delete(queued.id)
      this.#begin(worker, port, queued)
    }
  }

  #begin(worker: string, port: ReplyPort<Job>, queued: QueuedJob): void {
    const limiter = this.#limiters.get(queued.kind) ?? new CapacityLimiter(1)
    const place = limiter.acquire().result()
    const attempt: Attempt = { queued, place, isCancelled: false, attempts: 0, isEnding: false }
    this.#running.set(worker, attempt)
    this.ctx.pipe(
      this.#asks.begin(queued.id),
      (job) => {
        attempt.attempts = job.attempts
        if (this.#running.get(worker) !== attempt) return
        this.#publish(job)
        port.resolve(job)
      },
      (error) => {
        if (!(error instanceof StoreError)) throw error
        if (this.#running.get(worker) !== attempt) return
        this.#leave(worker, attempt)
        this.#idle.set(worker, port)
        if (attempt.isCancelled) this.#cancelLater(queued)
        else this.#enqueue(queued)
        this.#pause()
      },
    )
  }

  /** What was cancelled while it could not be begun. */
  #cancelLater(queued: QueuedJob): void {
    this.#retryWriting(
      () => this.#asks.end(queued.id, 'cancelled'),
      (job) => this.#over(job),
    )
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.ctx.after(storeRetryDelay, () => {
      this.#isPaused = false
      this.#dispatch()
    })
  }

  #leave(worker: string, attempt: Attempt): void {
    if (this.#running.get(worker) === attempt) this.#running.delete(worker)
    attempt.place.release()
    this.#tellDrained()
    this.#dispatch()
  }

  /** What an attempt came to is not given up: it is written as soon as it can be. */
  #end(worker: string, attempt: Attempt, outcome: Outcome, then: () => void = () => {}): void {
    attempt.isEnding = true
    const { id } = attempt.queued
    this.#retryWriting(
      () => {
        if ('result' in outcome) return this.#asks.end(id, 'done', outcome)
        if ('cancelled' in outcome || attempt.isCancelled) return this.#asks.end(id, 'cancelled')
        return this.#asks.fail(id, outcome.error, Date.now() + delayAfter(attempt.attempts))
      },
      (job) => {
        if (job.state === 'queued') this.#again(attempt, job)
        else this.#over(job)
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
        this.#again(attempt, { ...job, notBefore: 0 })
        this.#leave(worker, attempt)
      },
    )
  }

  #again(attempt: Attempt, job: Job): void {
    // It was to be cancelled while that was written.
    if (attempt.isCancelled) {
      this.#cancelLater(attempt.queued)
      return
    }
    this.#publish(job)
    this.#enqueue(job)
  }

  #retryWriting(write: () => PromiseLike<Job>, done: (job: Job) => void): void {
    this.ctx.pipe(
      async () => write(),
      done,
      (error) => {
        if (!(error instanceof StoreError)) throw error
        this.ctx.after(storeRetryDelay, () => this.#retryWriting(write, done))
      },
    )
  }

  /** A job has come to its end. */
  #over(job: Job): void {
    this.#publish(job)
    this.#waiters.tell(job)
  }

  #awaitEnd(id: number, port: WaitingPort): void {
    this.#waiters.add(id, port)
    // It may have ended before.
    this.ctx.pipe(
      this.#asks.get(id),
      (job) => {
        const isOver = job === null || finalStates.has(job.state)
        if (isOver && this.#waiters.remove(id, port)) port.resolve(job)
      },
      (error) => {
        if (this.#waiters.remove(id, port)) port.reject(passOn(error))
      },
    )
  }

  #tellDrained(): void {
    if (this.#running.size === 0 && this.#drained?.settled === false) this.#drained.resolve()
  }
}

/** The store's answer is ours; that it has ended is not: we are about to be started anew after it. */
function passOn(error: unknown): unknown {
  if (error instanceof ReplyError) return error
  return new ReplyError('the store is being started again', { cause: error })
}

function delayAfter(attempts: number): number {
  const delay = Math.min(longestRetryDelay, firstRetryDelay * 2 ** (attempts - 1))
  return Math.round(delay * (0.5 + Math.random()))
}
