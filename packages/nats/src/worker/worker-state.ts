/** The state of one worker, which its children share: the jobs that run, and the room for more. */
import { getEventLoop, sleep, type Task } from '@tasktree/core'
import { createServiceTask } from '@tasktree/core/lowlevel'
import { BrokenExecutor, WorkerCrashedError } from '@tasktree/executor'
import type { ConsumerSettings, Delivery } from '../bus/bus.ts'
import type { Link } from '../link/link.ts'
import { Signal } from '../link/signal.ts'
import { readHeaders } from '../wire/job-message.ts'
import { type DeadJob, DeadLetters } from './dead-letters.ts'
import { JobRun } from './job-run.ts'
import type { Modules } from './modules.ts'
import { askBackoff, askRetryIf } from './retries.ts'
import { PullLoop, type Receiver } from '../link/pull-loop.ts'

export interface WorkerSettings {
  readonly concurrency: number
  readonly ackWait: number
  readonly maxDeliver: number
  readonly backoff: (attempt: number) => number
  readonly retryIf: (error: unknown) => boolean
  readonly unknownAfter: number
  /** Milliseconds that running jobs get to end when the worker stops. */
  readonly grace: number
}

/** Bytes of a message that the name of a record and its headers may take. */
const recordOverhead = 1_024

export class WorkerState implements Receiver {
  readonly link: Link
  readonly queue: string
  readonly modules: Modules
  /** The consumer that all workers of the queue share. */
  readonly consumer: ConsumerSettings
  readonly #settings: WorkerSettings
  readonly #deadLetters: DeadLetters
  readonly #loop: PullLoop
  /** The jobs that are being handled, each with its task, until their results are stored. */
  readonly #runs = new Map<JobRun, Task<void>>()
  /** The jobs whose function runs, or is about to. */
  readonly #executing = new Set<JobRun>()
  /** The jobs that wait for the dead-letter mover. */
  readonly #burying = new Set<JobRun>()
  readonly #hasEnded = new Signal()
  #isStopping = false

  constructor(link: Link, queue: string, modules: Modules, settings: WorkerSettings) {
    this.link = link
    this.queue = queue
    this.modules = modules
    this.#settings = settings
    const { names } = link
    this.#deadLetters = new DeadLetters(link, queue, (run) => this.#burying.delete(run))
    this.consumer = {
      stream: names.jobs(queue),
      name: 'workers',
      subject: names.job(queue),
      ackWait: settings.ackWait,
    }
    this.#loop = new PullLoop(link, this.consumer, this)
  }

  get maxDeliver(): number {
    return this.#settings.maxDeliver
  }

  get ackWait(): number {
    return this.#settings.ackWait
  }

  get unknownAfter(): number {
    return this.#settings.unknownAfter
  }

  get running(): number {
    return this.#executing.size
  }

  /** Returns the milliseconds before the next attempt of a job. */
  backoff(job: string, attempt: number): number {
    return askBackoff(this.#settings.backoff, attempt, job)
  }

  /** Whether a job that has failed with this error is tried again. */
  mayRetry(job: string, error: unknown): boolean {
    const retryIf = (thrown: unknown): boolean =>
      thrown instanceof WorkerCrashedError ||
      thrown instanceof BrokenExecutor ||
      this.#settings.retryIf(thrown)
    return askRetryIf(retryIf, error, job)
  }

  maxResult(): number {
    return (this.link.current()?.maxPayload ?? Infinity) - recordOverhead
  }

  /** A job whose function has ended takes no room while its result is being stored, unless there are many such jobs. */
  get room(): number {
    const { concurrency } = this.#settings
    if (this.#isStopping || this.#runs.size >= 4 * concurrency + 16) return 0
    return concurrency - this.#executing.size
  }

  take(delivery: Delivery): void {
    const message = readHeaders((name) => delivery.header(name))
    if (message === null) {
      // The message is not a job of this package, so no program waits for its result.
      delivery.term()
      return
    }
    const run = new JobRun(this, delivery, message)
    this.#executing.add(run)
    const stopListening = this.link.receivedCancels.expect(message.id, () => run.cancel())
    const task = createServiceTask(() => run.run(), { name: `${message.job} ${message.id}` })
    this.#runs.set(run, task)
    task.addDoneCallback(() => {
      stopListening()
      this.#ended(run, task)
    })
  }

  /** Called when the function of a job has ended, or will not run here. */
  executed(run: JobRun): void {
    this.#executing.delete(run)
    this.#loop.roomier()
  }

  #ended(run: JobRun, task: Task<void>): void {
    this.executed(run)
    this.#runs.delete(run)
    this.#hasEnded.notify()
    if (task.cancelled()) return
    const exception = task.exception()
    if (exception === null || this.link.hasEnded) return
    // The job was not acknowledged, so the server will deliver it again.
    const message = `The job ${run.message.job} could not be settled`
    getEventLoop().callExceptionHandler({ message, exception, task })
  }

  /** Gives a job to the dead-letter mover. */
  bury(job: DeadJob): void {
    this.#burying.add(job.run)
    this.#deadLetters.add(job)
  }

  /** Moves dead letters until it is cancelled. */
  moveDeadLetters(): Promise<never> {
    return this.#deadLetters.run()
  }

  /** Takes jobs until it is cancelled. */
  consume(): Promise<never> {
    return this.#loop.run()
  }

  /** The jobs that are being handled. Those that wait for the dead-letter mover are not. */
  get unsettled(): readonly JobRun[] {
    return [...this.#runs.keys()]
  }

  /** The jobs that wait for the dead-letter mover. */
  get burying(): readonly JobRun[] {
    return [...this.#burying]
  }

  /** Waits for the running jobs, for `grace` milliseconds while there is a cluster. Then cancels and gives back the others. */
  async stop(): Promise<void> {
    this.#isStopping = true
    const giveUpAt = this.link.now() + this.#settings.grace
    while (this.#runs.size > 0 && this.link.now() < giveUpAt && this.link.status !== 'idle') {
      await this.#hasEnded.wait(giveUpAt - this.link.now())
    }
    for (const run of this.#runs.keys()) run.giveUp()
    if (this.#runs.size > 0) await sleep(0)
    if (this.link.status === 'connected') await this.link.current()?.flush()
  }
}
