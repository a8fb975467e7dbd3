import { Future } from '@tasktree/core'
import { JobFuture } from '@tasktree/executor'
import type { JobControl } from '@tasktree/executor/lowlevel'

/**
 * The future of the result of a job on another machine. A cancel releases the code that awaits the future at once. When the
 * server has the cancel, a job that has not started will not start, and a job that runs is cancelled on its node, together
 * with its child processes.
 *
 * @example
 *     import { MemoryServer } from '@tasktree/nats/testing'
 *
 *     const { connector } = new MemoryServer() // a program takes `servers` instead
 *     await using client = await connect({ connector })
 *     const { resize } = remoteJobs<{ resize: (name: string) => string }>('images')
 *     const job = client.executor('pictures').submit(resize, 'cat.png')
 *     await job.accepted // from here on it is not lost, whatever ends
 *     console.log(job.done()) // false
 *     job.cancel()
 */
export class RemoteJob<R> extends JobFuture<R> {
  /** The name of the job in the whole cluster. */
  readonly id: string
  /**
   * Settles when the server has stored the job. From then on the end of this program or of any other does not lose the
   * job. Fails if the job fails before that, for example with QueueFull.
   */
  readonly accepted: Future<void> = new Future<void>()

  constructor(id: string, control: JobControl) {
    super(control)
    this.id = id
    // The job fails with the same error, so a program need not look at this future.
    this.accepted.addDoneCallback(() => {
      if (!this.accepted.cancelled()) this.accepted.exception()
    })
  }

  /** @throws {TypeError} always, because the values that a generator yields are not sent. Awaiting gives its return value. */
  override [Symbol.asyncIterator](): never {
    throw new TypeError(
      'the values of a generator job do not travel between machines: await the job, which gives what the generator returns',
    )
  }
}
