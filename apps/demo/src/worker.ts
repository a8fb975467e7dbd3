import { Actor, type ActorRef } from '@tasktree/actor'
import { timeout } from '@tasktree/core'
import type { Job } from './job.ts'
import { perform, type Pools } from './job-kinds/perform.ts'
import type { Outcome, Scheduler } from './scheduler.ts'

/** Takes a job, does it, takes the next. Its end cancels the work: the child process dies, the thread is freed. */
export class Worker extends Actor {
  readonly #scheduler: () => ActorRef<Scheduler>
  readonly #pools: Pools

  constructor(scheduler: () => ActorRef<Scheduler>, pools: Pools) {
    super()
    this.#scheduler = scheduler
    this.#pools = pools
  }

  protected override onStart(): void {
    this.#takeNext()
  }

  #takeNext(): void {
    this.ctx.pipe(
      this.#scheduler().ask({ timeout: Infinity }).take(this.ctx.name),
      (job) => this.#begin(job),
      // The scheduler was restarted: it will ask for its workers again.
      () => void this.ctx.after(50, () => this.#takeNext()),
    )
  }

  #begin(job: Job): void {
    const attempt = (): PromiseLike<string> => perform(job, this.#pools)
    this.ctx.pipe(
      async () => timeout(job.timeout === 0 ? null : job.timeout, attempt),
      (result) => this.#finish({ result }),
      (error) => this.#finish({ error: error instanceof Error ? error.message : String(error) }),
    )
  }

  async #finish(outcome: Outcome): Promise<void> {
    await this.#scheduler().ask.finish(this.ctx.name, outcome)
    this.#takeNext()
  }
}
