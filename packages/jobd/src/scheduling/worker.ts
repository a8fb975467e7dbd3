import { Actor, type ActorRef } from '@tasktree/actor'
import { createTask, type Task, timeout } from '@tasktree/core'
import { describeError } from '../jobs/describe-error.ts'
import type { Job } from '../jobs/job.ts'
import type { JobFeed } from '../store/job-feed.ts'
import type { Pools } from '../jobs/kind.ts'
import type { JobTools, KindTable } from '../jobs/kind-table.ts'
import type { StoredResult } from '../jobs/stored-value.ts'
import type { Outcome } from './attempt.ts'
import type { Scheduler } from './scheduler.ts'
import type { Store } from '../store/store.ts'

/** The parts of the server that a worker uses. The functions return the current incarnation of an actor. */
export interface Workshop {
  readonly store: () => ActorRef<Store>
  readonly scheduler: () => ActorRef<Scheduler>
  readonly kinds: KindTable
  readonly pools: Pools
  readonly feed: JobFeed
}

/**
 * Takes a job from the scheduler, runs it, and takes the next one. If the worker ends, its job is cancelled: a child
 * process is killed, and a thread of a pool becomes free.
 */
export class Worker extends Actor {
  readonly #shop: Workshop
  #attempt: { id: number; task: Task<StoredResult> } | null = null
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
    if (this.#attempt?.id === id) this.#attempt.task.cancel()
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
    const task = createTask(async () =>
      timeout(job.timeout === 0 ? null : job.timeout, () => this.#perform(job)),
    )
    this.#attempt = { id: job.id, task }
    if (this.#cancelled === job.id) task.cancel()
    this.ctx.pipe(
      task,
      (result) => this.#finish({ result }),
      (error) =>
        this.#finish(
          this.#cancelled === job.id && task.cancelled()
            ? { cancelled: true }
            : { error: describeError(error) },
        ),
    )
  }

  async #perform(job: Job): Promise<StoredResult> {
    const { kinds, pools, feed, store } = this.#shop
    const ask = store().ask({ timeout: Infinity })
    const tools: JobTools = {
      pools,
      output: (text) => void store().tell.append(job.id, job.attempts, text),
      progress: (done, total) => feed.publish({ type: 'progress', id: job.id, done, total }),
      // The first attempt of a job cannot find stored steps.
      steps: job.attempts > 1 ? await ask.steps(job.id) : [],
      saveStep: (name, text) => ask.saveStep(job.id, name, text),
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
