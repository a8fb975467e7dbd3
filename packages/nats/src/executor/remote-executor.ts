import { randomUUID } from 'node:crypto'
import { effectiveDeadline, getEventLoop, RuntimeError } from '@tasktree/core'
import {
  checkCount,
  checkDuration,
  checkFlag,
  checkOptions,
  describe,
} from '@tasktree/core/lowlevel'
import {
  type Executor,
  type ExecutorStats,
  type GeneratorJob,
  type Job,
  JobRef,
  JobSerializationError,
  type MapOptions,
} from '@tasktree/executor'
import { captureStack, mapJobs, type SubmitStack } from '@tasktree/executor/lowlevel'
import { ClusterClosed } from '../errors.ts'
import type { Link } from '../link/link.ts'
import { checkName, defaultResultTtl, keptFor, shortestResultTtl } from '../wire/names.ts'
import { isJobId, type JobMessage } from '../wire/job-message.ts'
import { textOf } from '../wire/readable.ts'
import { traceparent } from '../wire/trace.ts'
import type { RemoteJob } from './remote-job.ts'
import { SubmissionQueue } from './submission-queue.ts'
import { Submission } from './submission.ts'

export interface RemoteExecutorOptions {
  /** How many jobs may be sent and not finished. Further jobs wait in this program, in order. @defaultValue 1000 */
  maxInFlight?: number
  /**
   * Milliseconds for which the server keeps a result, for a submitter that has lost its connection and for a second
   * submission with the same id. At least 1000; Infinity keeps results for ever. Each value has a bucket of its own on the
   * server, so use few values. @defaultValue 3600000
   */
  resultTtl?: number
  /** Milliseconds that each job may take from its submission to its end. @defaultValue Infinity */
  deadline?: number
  /**
   * How many jobs the queue holds on the server, which refuses further jobs with QueueFull. @defaultValue the capacity
   * that the queue has, or 1000000 for a new queue
   */
  capacity?: number
}

/** The options of `RemoteExecutor.with`, for one job or several. */
export interface SubmitOptions {
  /**
   * The name of the job in the whole cluster. Two submissions with the same id are one job: the second one gets the result
   * of the first. The first one decides how long the result is kept. Then the id is free for a new job. @defaultValue a
   * random name
   */
  id?: string
  /** Milliseconds for which no worker begins the job. @defaultValue 0 */
  delay?: number
  /** Milliseconds that the job may take from its submission to its end, its delay included. */
  deadline?: number
}

/**
 * Runs jobs on the workers of a queue, on any machine of the cluster. If a worker dies, another worker runs its jobs
 * again. So the function of a job may run more than once, but the job has one result.
 *
 * @example
 *     import { ActorSystem } from '@tasktree/actor'
 *     import { MemoryServer } from '@tasktree/nats/testing'
 *
 *     const { connector } = new MemoryServer() // a program takes `servers` instead
 *     const sums = { add: async (a: number, b: number) => a + b }
 *     await using system = await ActorSystem.start({
 *       name: 'worker',
 *       children: [clusterTree('cluster', { connector }, (own) => [own.worker('work', { sums })])],
 *     })
 *     await using client = await connect({ connector })
 *     const { add } = remoteJobs<typeof sums>('sums')
 *     console.log(await client.executor('work').submit(add, 1, 2)) // 3
 */
export class RemoteExecutor implements Executor {
  /** @internal the name that users see; without it, a bundler may rename the class to `_RemoteExecutor` */
  static readonly name: string = 'RemoteExecutor'

  readonly #submissions: SubmissionQueue
  readonly #options: SubmitOptions

  /** @internal */
  constructor(submissions: SubmissionQueue, options: SubmitOptions) {
    this.#submissions = submissions
    this.#options = options
  }

  /** @internal makes the executor that `cluster.executor` returns */
  static open(link: Link, queue: string, options: RemoteExecutorOptions = {}): RemoteExecutor {
    checkName('the queue', queue)
    checkOptions(options)
    const {
      maxInFlight = 1_000,
      resultTtl = defaultResultTtl,
      deadline = Infinity,
      capacity,
    } = options
    checkCount('maxInFlight', maxInFlight, 1)
    checkDuration('resultTtl', resultTtl)
    if (resultTtl < shortestResultTtl) {
      throw new RangeError(`resultTtl must be at least ${shortestResultTtl} ms, got ${resultTtl}`)
    }
    checkDuration('deadline', deadline)
    if (capacity !== undefined) checkCount('capacity', capacity, 1)
    return new RemoteExecutor(
      new SubmissionQueue(link, queue, {
        maxInFlight,
        resultTtl: keptFor(resultTtl),
        deadline,
        capacity,
      }),
      {},
    )
  }

  /** Returns a view of this executor whose jobs have these options. */
  with(options: SubmitOptions): RemoteExecutor {
    checkOptions(options)
    const { id, delay, deadline } = options
    if (id !== undefined) checkId(id)
    if (delay !== undefined) checkDuration('delay', delay)
    if (deadline !== undefined) checkDuration('deadline', deadline)
    return new RemoteExecutor(this.#submissions, { ...this.#options, ...options })
  }

  /**
   * Sends a job to the queue. Its arguments are copied in the call.
   *
   * The job fails with JobSerializationError or PayloadTooLarge when its arguments cannot be sent, with QueueFull when the
   * queue has no room, with UnknownJob when no worker has its function, with PoisonedJob when no worker could finish it, with
   * ResultTooLarge, with TimeoutError at its deadline, with ClusterClosed when this program's cluster handle ends, and with the
   * error that its function throws. The deadlines of the scopes around the call travel with the job, and so does the trace
   * context `traceparent`.
   *
   * @throws {TypeError} for a function: only what `jobs()` and `remoteJobs()` make has a name on other machines
   * @throws {RuntimeError} after shutdown
   * @throws {ClusterClosed} after the end of the cluster handle
   */
  submit<A extends unknown[], Y, R>(job: GeneratorJob<A, Y, R>, ...args: A): RemoteJob<R>
  submit<A extends unknown[], R>(job: Job<A, R>, ...args: A): RemoteJob<R>
  submit(job: unknown, ...args: unknown[]): RemoteJob<unknown> {
    return this.#submit(job, args, false).future
  }

  /**
   * Submits `job` for each item, and yields the results, in the order of the items unless `ordered` is false. With
   * `chunksize`, each chunk is one job: if its worker dies, all items of the chunk run again.
   */
  map<T, R>(
    job: Job<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    options: MapOptions = {},
  ): AsyncIterable<R> {
    checkOptions(options)
    this.#assertOpen()
    checkReference(job)
    if (this.#options.id !== undefined) {
      throw new TypeError(
        'map() submits many jobs, which cannot have one id: leave the option id out',
      )
    }
    // The jobs are submitted later, by the code that reads the results, so the stack is captured now, once for all jobs.
    const submitted = captureStack(mapFrame)
    return mapJobs<T, R>(
      (args, isChunked) => this.#submit(job, args, isChunked, submitted),
      items,
      options,
      Math.min(64, this.#submissions.settings.maxInFlight),
    )
  }

  /** Submits one job. `submitted` is the stack of the call of `map`; undefined for a call of `submit`. */
  #submit(
    job: unknown,
    args: readonly unknown[],
    isChunked: boolean,
    submitted?: SubmitStack,
  ): Submission {
    this.#assertOpen()
    const submissions = this.#submissions
    const { link } = submissions
    const ref = checkReference(job)
    const id = this.#options.id ?? randomUUID()
    const now = link.now()
    const { delay = 0, deadline = submissions.settings.deadline } = this.#options
    const inScope = effectiveDeadline() - getEventLoop().time()
    const left = Math.min(deadline, inScope)
    const message: JobMessage = {
      id,
      job: ref.id,
      reply: link.answers.newSubject(),
      resultTtl: submissions.settings.resultTtl,
      deadline: left === Infinity ? Infinity : Math.ceil(now + left),
      notBefore: delay === 0 ? 0 : Math.ceil(now + delay),
      traceparent: traceparent.get(),
      isChunked,
      after: 0,
      putBack: 0,
      submittedAt: 0,
      mayBeKnown: this.#options.id !== undefined,
    }
    const stacks = submissions.stacksOf(ref)
    let body: Uint8Array
    try {
      body = link.codec.encode(args)
    } catch (cause) {
      return refused(new Submission(submissions, message, new Uint8Array(0), stacks), cause)
    }
    const submission = new Submission(submissions, message, body, stacks)
    submissions.add(submission)
    submission.submitted = submitted ?? stacks.capture(submitFrame)
    return submission
  }

  #assertOpen(): void {
    if (this.#submissions.isShutDown) {
      throw new RuntimeError('cannot schedule new jobs: the executor was shut down')
    }
    if (this.#submissions.link.hasEnded) throw new ClusterClosed()
  }

  /**
   * The numbers of this executor's jobs: `queued` jobs wait in this program, `running` jobs were sent, or are being sent, and
   * have no result yet. `workers`, `idle` and `crashed` are 0, because workers are on other nodes; `cluster.snapshot()` shows them.
   */
  get stats(): ExecutorStats {
    const { waiting, running, completed, failed } = this.#submissions
    return { workers: 0, idle: 0, queued: waiting, running, completed, failed, crashed: 0 }
  }

  /**
   * Refuses new jobs and waits until the submitted ones have ended. With `cancelFutures` they are cancelled, wherever they
   * are. With `wait: false` the call does not wait.
   */
  shutdown(options: { wait?: boolean; cancelFutures?: boolean } = {}): Promise<void> {
    checkOptions(options)
    const { wait = true, cancelFutures = false } = options
    checkFlag('wait', wait)
    checkFlag('cancelFutures', cancelFutures)
    return this.#shutdown(wait, cancelFutures)
  }

  async #shutdown(wait: boolean, cancelFutures: boolean): Promise<void> {
    this.#submissions.isShutDown = true
    if (cancelFutures) this.#submissions.cancelAll()
    if (wait) await this.#submissions.untilIdle()
  }

  /** Calls `shutdown()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown()
  }
}

/** Fails `submission`, because its arguments cannot be encoded. */
function refused(submission: Submission, cause: unknown): Submission {
  const message = `the arguments of ${submission.job} cannot be sent: ${textOf(cause)}`
  submission.fail(new JobSerializationError(message, { cause }))
  return submission
}

/** Returns `job`. @throws {TypeError} when it is not a reference that `jobs()` or `remoteJobs()` has made */
function checkReference(job: unknown): JobRef<unknown[], unknown> {
  if (job instanceof JobRef) return job as JobRef<unknown[], unknown>
  throw new TypeError(
    `a job for other machines must be a reference made by jobs() or remoteJobs(), got ${describe(job)}: a function's source is not sent`,
  )
}

/** @throws {TypeError} when `id` is not a valid id of a job */
function checkId(id: unknown): void {
  if (typeof id === 'string' && isJobId(id)) return
  throw new TypeError(
    `the option id must be 1 to 128 letters, digits, _, = and -, got ${describe(id)}`,
  )
}

// oxlint-disable-next-line typescript/unbound-method -- only named, as the frames that a stack leaves out
const { submit: submitFrame, map: mapFrame } = RemoteExecutor.prototype
