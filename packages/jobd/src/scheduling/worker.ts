import { Actor, type ActorRef } from '@tasktree/actor'
import { createTask, type Task, timeout } from '@tasktree/core'
import { describeError } from '../jobs/describe-error.ts'
import type { Job } from '../jobs/job.ts'
import type { JobFeed } from '../store/job-feed.ts'
import type { Pools } from '../jobs/kind.ts'
import { perform } from '../jobs/kinds.ts'
import type { Outcome } from './attempt.ts'
import type { Scheduler } from './scheduler.ts'
import type { Store } from '../store/store.ts'

/** Where a worker finds the others, each in whichever incarnation it is. */
export interface Workshop {
  readonly store: () => ActorRef<Store>
  readonly scheduler: () => ActorRef<Scheduler>
  readonly pools: Pools
  readonly feed: JobFeed
}

/** Takes a job, does it, takes the next. Its end cancels the work: the child process dies, the thread is freed. */
export class Worker extends Actor {
  readonly #shop: Workshop
  #attempt: { id: number; task: Task<string> } | null = null
  /** The job that was to be cancelled, perhaps before it came here. */
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
      // The scheduler was restarted: it will ask for its workers again.
      () => void this.ctx.after(50, () => this.#takeNext()),
    )
  }

  #begin(job: Job): void {
    const { pools, feed, store } = this.#shop
    const bench = {
      pools,
      output: (text: string) => void store().tell.append(job.id, text),
      progress: (done: number, total: number) =>
        feed.publish({ type: 'progress', id: job.id, done, total }),
    }
    const task = createTask(async () =>
      timeout(job.timeout === 0 ? null : job.timeout, () => perform(job, bench)),
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

  async #finish(outcome: Outcome): Promise<void> {
    this.#attempt = null
    this.#cancelled = null
    await this.#shop.scheduler().ask({ timeout: Infinity }).finish(this.ctx.name, outcome)
    this.#takeNext()
  }
}
