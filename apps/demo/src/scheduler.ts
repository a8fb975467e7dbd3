import { Actor, type ActorRef, type ReplyPort } from '@tasktree/actor'
import { PriorityQueue } from '@tasktree/sync'
import { finalStates, type Job, type JobRequest, type JobState } from './job.ts'
import type { JobFeed } from './job-feed.ts'
import type { Store } from './store.ts'
import type { Worker } from './worker.ts'

/** What came of an attempt. */
export type Outcome = { result: string } | { error: string } | { cancelled: true }

/** A failed attempt waits this long before the next, and twice as long each time; with jitter. */
const firstRetryDelay = 100

/**
 * Hands jobs to workers, by priority and then by age. It remembers which worker has which job: one that
 * asks for another without having finished has been restarted, and what it had is queued again.
 */
export class Scheduler extends Actor {
  readonly #store: () => ActorRef<Store>
  readonly #feed: JobFeed
  readonly #ready = new PriorityQueue<[number, number, Job]>()
  readonly #idle = new Map<string, ReplyPort<Job>>()
  readonly #running = new Map<string, Job>()
  /** Those that wait for a worker or for their time; what is in line without being here was cancelled. */
  readonly #queued = new Map<number, Job>()
  readonly #cancelled = new Set<number>()
  readonly #waiting = new Map<number, ReplyPort<Job>[]>()
  readonly #worker: (name: string) => ActorRef<Worker>
  #requeued = 0
  /** Told to hand out no more jobs; answered when none runs. */
  #drained: ReplyPort<void> | null = null

  constructor(
    store: () => ActorRef<Store>,
    worker: (name: string) => ActorRef<Worker>,
    feed: JobFeed,
  ) {
    super()
    this.#worker = worker
    this.#store = store
    this.#feed = feed
  }

  protected override async onStart(): Promise<void> {
    for (const job of await this.#store().ask.unfinished()) this.#enqueue(job)
  }

  /** Answers after the commit. */
  async submit(request: JobRequest): Promise<number> {
    const { job, isNew } = await this.#store().ask.add(request)
    if (isNew) {
      this.#publish(job)
      this.#enqueue(job)
    }
    return job.id
  }

  /** The next job for `worker`, when there is one. */
  async take(worker: string): Promise<ReplyPort<Job>> {
    const port = this.ctx.reply<Job>()
    const lost = this.#running.get(worker)
    if (lost !== undefined) await this.#loseWorker(worker, lost)
    this.#idle.set(worker, port)
    this.#dispatch()
    return port
  }

  async #loseWorker(worker: string, job: Job): Promise<void> {
    if (this.#cancelled.has(job.id)) {
      await this.#end(worker, job, 'cancelled', {})
      return
    }
    this.#running.delete(worker)
    this.#requeued++
    await this.#store().ask.update(job.id, { state: 'queued' })
    this.#publish({ ...job, state: 'queued' })
    this.#enqueue({ ...job, notBefore: 0 })
    this.#tellDrained()
  }

  async finish(worker: string, outcome: Outcome): Promise<void> {
    const job = this.#running.get(worker)
    if (job === undefined) return
    if ('result' in outcome) await this.#end(worker, job, 'done', outcome)
    else if ('cancelled' in outcome || this.#cancelled.has(job.id))
      await this.#end(worker, job, 'cancelled', {})
    else if (job.attempts > job.retries) await this.#end(worker, job, 'failed', outcome)
    else await this.#retryLater(worker, job, outcome.error)
  }

  async #retryLater(worker: string, job: Job, error: string): Promise<void> {
    this.#running.delete(worker)
    await this.#store().ask.update(job.id, { state: 'queued', error })
    const delay = firstRetryDelay * 2 ** (job.attempts - 1) * (0.5 + Math.random())
    const again = { ...job, state: 'queued' as const, error, notBefore: Date.now() + delay }
    this.#publish(again)
    this.#enqueue(again)
    this.#tellDrained()
  }

  async #end(
    worker: string | null,
    job: Job,
    state: JobState,
    outcome: { result?: string; error?: string },
  ): Promise<void> {
    if (worker !== null) this.#running.delete(worker)
    this.#cancelled.delete(job.id)
    await this.#store().ask.update(job.id, { state, ...outcome })
    this.#publish({ ...job, state, result: null, error: null, ...outcome })
    await this.#tellWaiters(job.id)
    this.#tellDrained()
  }

  /** Answers with the job when it has ended, cancelled or otherwise; null when there is no such job. */
  async cancel(id: number): Promise<ReplyPort<Job> | Job | null> {
    const queued = this.#queued.get(id)
    if (queued !== undefined) {
      this.#queued.delete(id)
      await this.#end(null, queued, 'cancelled', {})
      return this.#store().ask.get(id)
    }
    for (const [worker, job] of this.#running) {
      if (job.id !== id) continue
      this.#cancelled.add(id)
      await this.#worker(worker).tell.cancel(id)
      const port = this.ctx.reply<Job>()
      this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), port])
      return port
    }
    return this.#store().ask.get(id)
  }

  /** Queues a job again that has failed or was cancelled. Answers with the job as it was; null when there is none. */
  async retry(id: number): Promise<Job | null> {
    const job = await this.#store().ask.get(id)
    if (job === null || (job.state !== 'failed' && job.state !== 'cancelled')) return job
    const again = await this.#store().ask.requeue(id)
    this.#publish(again)
    this.#enqueue(again)
    return job
  }

  /** Hands out no more jobs; answers when those that run have ended. */
  drain(): ReplyPort<void> {
    const port = this.ctx.reply<void>()
    this.#drained = port
    this.#tellDrained()
    return port
  }

  #tellDrained(): void {
    if (this.#running.size === 0) this.#drained?.resolve()
  }

  #publish(job: Job): void {
    this.#feed.publish({ type: 'state', job })
  }

  /** Answers with the job when it has come to its end. */
  async wait(id: number): Promise<ReplyPort<Job> | Job | null> {
    const job = await this.#store().ask.get(id)
    if (job === null || finalStates.has(job.state)) return job
    // Only now: who has taken the right to reply must use it.
    const port = this.ctx.reply<Job>()
    this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), port])
    return port
  }

  statistics(): { ready: number; running: number; idle: number; requeued: number } {
    return {
      ready: this.#ready.qsize(),
      running: this.#running.size,
      idle: this.#idle.size,
      requeued: this.#requeued,
    }
  }

  #enqueue(job: Job): void {
    this.#queued.set(job.id, job)
    const early = job.notBefore - Date.now()
    if (early > 0) this.ctx.after(early, () => this.#line(job))
    else this.#line(job)
  }

  #line(job: Job): void {
    if (this.#queued.get(job.id) !== job) return
    this.#ready.putNowait([job.priority, job.id, job])
    this.#dispatch()
  }

  #dispatch(): void {
    if (this.#drained !== null) return
    for (const [worker, port] of this.#idle) {
      const job = this.#nextReady()
      if (job === null) return
      this.#idle.delete(worker)
      this.#queued.delete(job.id)
      const begun: Job = { ...job, state: 'running', attempts: job.attempts + 1 }
      this.#running.set(worker, begun)
      // Counted before it begins: an attempt that a crash cuts short has been one.
      const counted = this.#store().ask.update(job.id, {
        state: 'running',
        attempts: begun.attempts,
      })
      this.ctx.pipe(counted, () => {
        this.#publish(begun)
        port.resolve(begun)
      })
    }
  }

  #nextReady(): Job | null {
    while (!this.#ready.empty()) {
      const [, , job] = this.#ready.getNowait()
      if (this.#queued.get(job.id) === job) return job
    }
    return null
  }

  async #tellWaiters(id: number): Promise<void> {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    const job = await this.#store().ask.get(id)
    for (const port of waiting) port.resolve(job as Job)
  }
}
