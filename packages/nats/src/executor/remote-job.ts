import { Future } from '@tasktree/core'
import { JobFuture } from '@tasktree/executor'
import type { JobControl } from '@tasktree/executor/lowlevel'

/**
 * The result of a job on another machine. Cancelling it releases the code that awaits it at once. A job that waits never
 * starts then; one that runs is cancelled where it runs, with its child processes.
 */
export class RemoteJob<R> extends JobFuture<R> {
  /** Names the job in the whole cluster. */
  readonly id: string
  /**
   * Settles when the server has stored the job. From then on the job is not lost when this program or any other ends.
   * Fails with the reason why the job was not taken, for example QueueFull.
   */
  readonly accepted: Future<void> = new Future<void>()

  constructor(id: string, control: JobControl) {
    super(control)
    this.id = id
    // A failure to submit is the failure of the job too, so that nobody has to look at both.
    this.accepted.addDoneCallback(() => {
      if (!this.accepted.cancelled()) this.accepted.exception()
    })
  }

  /** @throws {TypeError} always: what a generator job yields does not travel; awaiting the job gives what it returns */
  override [Symbol.asyncIterator](): never {
    throw new TypeError(
      'the values of a generator job do not travel between machines: await the job, which gives what the generator returns',
    )
  }
}
