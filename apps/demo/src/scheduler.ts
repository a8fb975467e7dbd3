import { Actor, type ActorRef, type ReplyPort } from '@tasktree/actor'
import { PriorityQueue, QueueEmpty } from '@tasktree/sync'
import { finalStates, type Job, type JobRequest } from './job.ts'
import type { JobFeed } from './job-feed.ts'
import type { Store } from './store.ts'

/** What came of an attempt. */
export type Outcome = { result: string } | { error: string }

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
  readonly #waiting = new Map<number, ReplyPort<Job>[]>()
  #requeued = 0

  constructor(store: () => ActorRef<Store>, feed: JobFeed) {
    super()
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
      this.#feed.publish({ type: 'state', job })
      this.#enqueue(job)
    }
    return job.id
  }

  /** The next job for `worker`, when there is one. */
  take(worker: string): ReplyPort<Job> {
    const port = this.ctx.reply<Job>()
    const lost = this.#running.get(worker)
    if (lost !== undefined) {
      this.#running.delete(worker)
      this.#requeued++
      this.#enqueue({ ...lost, notBefore: 0 })
    }
    this.#idle.set(worker, port)
    this.#dispatch()
    return port
  }

  async finish(worker: string, outcome: Outcome): Promise<void> {
    const job = this.#running.get(worker)
    if (job === undefined) return
    this.#running.delete(worker)
    const failed = 'error' in outcome
    if (failed && job.attempts <= job.retries) {
      await this.#store().ask.update(job.id, { state: 'queued', error: outcome.error })
      this.#feed.publish({
        type: 'state',
        job: { ...job, state: 'queued', error: outcome.error },
      })
      const delay = firstRetryDelay * 2 ** (job.attempts - 1) * (0.5 + Math.random())
      this.#enqueue({ ...job, notBefore: Date.now() + delay })
      return
    }
    const state = failed ? 'failed' : 'done'
    await this.#store().ask.update(job.id, { state, ...outcome })
    this.#feed.publish({ type: 'state', job: { ...job, state, ...outcome } })
    await this.#tellWaiters(job.id)
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
    const early = job.notBefore - Date.now()
    if (early > 0) {
      this.ctx.after(early, () => this.#enqueue({ ...job, notBefore: 0 }))
      return
    }
    this.#ready.putNowait([job.priority, job.id, job])
    this.#dispatch()
  }

  #dispatch(): void {
    for (const [worker, port] of this.#idle) {
      let job: Job
      try {
        job = this.#ready.getNowait()[2]
      } catch (error) {
        if (error instanceof QueueEmpty) return
        throw error
      }
      this.#idle.delete(worker)
      const begun = { ...job, attempts: job.attempts + 1 }
      this.#running.set(worker, begun)
      // Counted before it begins: an attempt that a crash cuts short has been one.
      const counted = this.#store().ask.update(job.id, {
        state: 'running',
        attempts: begun.attempts,
      })
      this.ctx.pipe(counted, () => {
        this.#feed.publish({ type: 'state', job: { ...begun, state: 'running' } })
        port.resolve(begun)
      })
    }
  }

  async #tellWaiters(id: number): Promise<void> {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    const job = await this.#store().ask.get(id)
    for (const port of waiting) port.resolve(job as Job)
  }
}
