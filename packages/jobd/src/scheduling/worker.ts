import { Actor, type ActorRef } from '@tasktree/actor'
import type { Job } from '../jobs/job.ts'
import type { JobFeed } from '../store/job-feed.ts'
import type { Pools } from '../jobs/kind.ts'
import type { JobTools, KindTable } from '../jobs/kind-table.ts'
import type { StoredResult } from '../jobs/stored-value.ts'
import { AttemptCode, type AttemptCodes, type Outcome } from './attempt.ts'
import type { Scheduler } from './scheduler.ts'
import type { Store } from '../store/store.ts'

/** The parts of the server that a worker uses. The functions return the current incarnation of an actor. */
export interface Workshop {
  readonly store: () => ActorRef<Store>
  readonly scheduler: () => ActorRef<Scheduler>
  readonly kinds: KindTable
  readonly pools: Pools
  readonly feed: JobFeed
  readonly codes: AttemptCodes
}

/**
 * Takes a job from the scheduler, runs it, and takes the next one. If the worker ends, its job is cancelled: a child
 * process is killed, and a thread of a pool becomes free.
 */
export class Worker extends Actor {
  readonly #shop: Workshop
  #attempt: { id: number; code: AttemptCode } | null = null
  /** The job that `cancel` was called with, perhaps before the job arrived here. */
  #cancelled: number | null = null

  constructor(shop: Workshop) {
    super()
    this.#shop = shop
  }

  protected override onStart(): void {
    this.#takeNext()
  }

  /** Cancels the job, if the worker has that job or is about to get it. */
  cancel(id: number): void {
    this.#cancelled = id
    if (this.#attempt?.id === id) this.#attempt.code.cancel()
  }

  #takeNext(): void {
    this.ctx.pipe(
      this.#shop.scheduler().ask({ timeout: Infinity }).take(this.ctx.name),
      (job) => this.#begin(job),
      // The scheduler was restarted, so the worker asks the new one.
      () => void this.ctx.after(50, () => this.#takeNext()),
    )
  }

  #begin(job: Job): void {
    const code: AttemptCode = new AttemptCode(
      () => this.#perform(job, code),
      job.timeout,
      () =>
        this.ctx.log.warn(
          `the code of job ${job.id} (${job.kind}) goes on: no cancel reaches it, and what it does is ignored`,
        ),
    )
    this.#shop.codes.add(code)
    this.#attempt = { id: job.id, code }
    if (this.#cancelled === job.id) code.cancel()
    // If this worker ends, the end cancels `code.outcome`, and the attempt is lost.
    this.ctx.pipe(code.outcome, (outcome) => this.#finish(outcome))
  }

  async #perform(job: Job, code: AttemptCode): Promise<StoredResult> {
    const { kinds, pools, feed, store } = this.#shop
    const ask = store().ask({ timeout: Infinity })
    const tools: JobTools = {
      pools,
      // After the end of an attempt its code may still run. Its output and its progress are dropped, because they would
      // mix with those of the next attempt.
      output: (text) => {
        if (!code.isOver) void store().tell.append(job.id, job.attempts, text)
      },
      progress: (done, total) => {
        if (!code.isOver) feed.publish({ type: 'progress', id: job.id, done, total })
      },
      // Before the first attempt of a job, no step of the job can be stored.
      steps: job.attempts > 1 ? await ask.steps(job.id) : [],
      saveStep: (name, text) => ask.saveStep(job.id, name, text),
      isOver: () => code.isOver,
      fail: (reason) => code.fail(reason),
    }
    return kinds.perform(job, tools)
  }

  async #finish(outcome: Outcome): Promise<void> {
    this.#attempt = null
    this.#cancelled = null
    await this.#shop.scheduler().ask({ timeout: Infinity }).finish(this.ctx.name, outcome)
    this.#takeNext()
  }
}
