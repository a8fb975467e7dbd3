import type { EncodedError } from '../jobs/encode-error.ts'
import type { PendingJob } from '../jobs/pending-job.ts'
import { type JobKind, maxKinds } from '../jobs/job-kind.ts'
import type { FromWorker, JobMessage, JobTarget, ResultMessage, ToWorker } from './protocol.ts'
import { afterDelay } from './real-timer.ts'
import type { StartWorker, WorkerExit, WorkerLink } from './worker-link.ts'

/** What a worker tells its pool. */
export interface WorkerOwner {
  onReady(worker: WorkerHandle): void
  onStartFailed(worker: WorkerHandle, error: EncodedError): void
  /** `job` has ended in its worker, which may take another. */
  onResult(worker: WorkerHandle, job: PendingJob, value: unknown): void
  onError(worker: WorkerHandle, job: PendingJob, error: EncodedError): void
  /** After either. */
  onEnded(worker: WorkerHandle): void
  /** Jobs that the worker gave back without having started them. */
  onReturned(worker: WorkerHandle, jobs: PendingJob[]): void
  onStarted(worker: WorkerHandle, job: PendingJob): void
  onExit(worker: WorkerHandle, exit: WorkerExit, left: LeftJobs): void
}

/** The jobs of a worker that has ended. */
export interface LeftJobs {
  readonly running: PendingJob | null
  readonly unstarted: PendingJob[]
}

/**
 * How many jobs end elsewhere before a worker's running one counts as overtaken. At half a batch, 16, jobs were
 * taken back from workers whose results were only on their way.
 */
const overtakenBy = 128

export type WorkerState = 'starting' | 'ready' | 'ending' | 'ended'

/**
 * A pool's view of one worker: what was sent to it, in order, and how it is stopped. The worker runs
 * its jobs one after another, so at most the first one not yet ended is running.
 */
export class WorkerHandle {
  readonly id: number
  readonly #owner: WorkerOwner
  readonly #link: WorkerLink
  readonly #jobs: PendingJob[] = []
  /** The kinds whose functions it has. */
  readonly #known = new Set<JobKind>()
  state: WorkerState = 'starting'
  #lastSent = 0
  #lastStarted = 0
  #taken = 0
  #isHeld = true
  #recalling = false
  #stopGrace: (() => void) | null = null
  /** The job that has the grace. */
  #stopping: PendingJob | null = null
  stopIdling: (() => void) | null = null
  /** How many jobs of its pool had ended when its running one started. */
  endedBefore = 0
  /** It ends because it was told to. */
  isKilled = false
  readonly #cancelGrace: number

  constructor(id: number, start: StartWorker, owner: WorkerOwner, cancelGrace: number) {
    this.id = id
    this.#owner = owner
    this.#cancelGrace = cancelGrace
    this.#link = start(id, {
      onMessage: (message) => this.#onMessage(message),
      onExit: (exit) => this.#onExit(exit),
    })
  }

  /** The jobs it has and has not ended. */
  get load(): number {
    return this.#jobs.length
  }

  /** How many jobs were sent to it and not given back. */
  get taken(): number {
    return this.#taken
  }

  /** Whether it has only jobs that are done in a moment. */
  get isShort(): boolean {
    return this.#jobs.every(({ kind }) => kind.isShort)
  }

  /** Whether a job of it is being cancelled: it gets no other before that has ended. */
  get isStopping(): boolean {
    return this.#stopGrace !== null || this.#recalling
  }

  /** Whether it waits for a job. */
  get isIdle(): boolean {
    return this.state === 'ready' && this.#jobs.length === 0 && !this.isStopping
  }

  /**
   * Whether so many of the `ended` jobs have ended elsewhere while it ran one that nothing is to wait
   * behind that: the job may be waiting for what would be behind it.
   */
  isOvertaken(ended: number): boolean {
    return this.#jobs.length > 0 && ended - this.endedBefore >= overtakenBy
  }

  /** Whether it has ever been ready. */
  isReady = false

  /** Those that have not started and are still wanted. */
  listUnstarted(): PendingJob[] {
    const started = this.#seenStarted()
    return this.#jobs.filter((job) => job.seq > started && !job.future.done())
  }

  /** The job that runs, or is the next to. */
  get first(): PendingJob | null {
    return this.#jobs[0] ?? null
  }

  get isRunning(): boolean {
    return this.#jobs.length > 0 && (this.#jobs[0] as PendingJob).seq <= this.#seenStarted()
  }

  /** The last job that has started, as far as it can be known here. */
  #seenStarted(): number {
    return this.#link.lastStarted() ?? this.#lastStarted
  }

  initialize(target: JobTarget | null, args: readonly unknown[]): void {
    this.#link.post({ type: 'init', target, args }, [])
  }

  /** @throws what the transport throws; nothing was sent then */
  send(jobs: readonly PendingJob[]): void {
    if (this.#known.size >= maxKinds && this.#jobs.length === 0) {
      this.post({ type: 'forget' })
      this.#known.clear()
    }
    const first = this.#lastSent + 1
    const messages = jobs.map(({ kind, args, chunked }, index): JobMessage => {
      const target = this.#known.has(kind) ? null : kind.target
      return [first + index, kind.id, args, target, chunked]
    })
    this.#link.post(messages, jobs.length === 1 ? (jobs[0] as PendingJob).transferList : [])
    for (const { kind } of jobs) this.#known.add(kind)
    this.#lastSent += jobs.length
    this.#taken += jobs.length
    for (const [index, job] of jobs.entries()) {
      job.worker = this
      job.seq = first + index
      this.#jobs.push(job)
    }
    if (this.#jobs.length === jobs.length) this.#markStarted()
  }

  tryClone(value: unknown): void {
    this.#link.tryClone(value)
  }

  post(message: ToWorker): void {
    this.#link.post(message, [])
  }

  hold(on: boolean): void {
    if (on === this.#isHeld) return
    this.#isHeld = on
    this.#link.hold(on)
  }

  grant(job: PendingJob, count: number): void {
    if (job.worker === this && this.state !== 'ended')
      this.post({ type: 'credit', seq: job.seq, count })
  }

  /**
   * Takes back what has not started, when it has at least so many jobs; through the owner, now or when
   * the worker has answered.
   */
  recall(least = 2): void {
    if (this.#jobs.length < least || this.#recalling || this.state === 'ended') return
    const upTo = this.#lastSent
    const started = this.#link.recall(upTo)
    if (started === null) this.#recalling = true
    else if (this.#jobs.some(({ seq }) => seq > started))
      this.#returnJobs(({ seq }) => seq > started)
  }

  #returnJobs(isMeant: (job: PendingJob) => boolean): void {
    const returned = this.#jobs.filter(isMeant)
    const kept = this.#jobs.filter((job) => !isMeant(job))
    this.#jobs.splice(0, this.#jobs.length, ...kept)
    this.#taken -= returned.length
    for (const job of returned) {
      job.worker = null
      job.isStarted = false
      // It was cancelled, and had not begun after all: the worker is free for others.
      if (job === this.#stopping) this.#endGrace()
    }
    this.#owner.onReturned(this, returned)
  }

  /** `job` is not wanted any more: gives it back when it has not started, stops it when it runs. */
  cancel(job: PendingJob): void {
    if (this.state === 'ended') return
    this.recall(1)
    if (job.worker !== this) return
    const started = this.#link.lastStarted()
    // It has ended there already, and its outcome is on its way.
    if (started !== null && started !== job.seq) return
    this.#link.markCancelled(job.seq)
    this.post({ type: 'cancel', seq: job.seq })
    if (job === this.#jobs[0]) this.#allowGrace(job)
  }

  #endGrace(): void {
    this.#stopGrace?.()
    this.#stopGrace = null
    this.#stopping = null
  }

  #allowGrace(job: PendingJob): void {
    this.#stopGrace?.()
    this.#stopping = job
    const killUnlessEnded = (): void => {
      // Its end may be among what has come and was not looked at yet.
      this.#stopGrace = afterDelay(
        0,
        () => {
          if (this.#jobs[0] === job) this.kill()
        },
        { hold: true },
      )
    }
    this.#stopGrace = afterDelay(this.#cancelGrace, killUnlessEnded, { hold: true })
  }

  kill(): void {
    if (this.state === 'ended') return
    this.state = 'ending'
    this.isKilled = true
    this.#link.kill()
  }

  #onMessage(message: FromWorker): void {
    if (!('type' in message)) {
      this.#onResult(message)
      return
    }
    switch (message.type) {
      case 'ready':
        if (this.state === 'starting') {
          this.state = 'ready'
          this.isReady = true
          this.#owner.onReady(this)
        }
        break
      case 'failed':
        this.#owner.onStartFailed(this, message.error)
        break
      case 'start':
        this.#lastStarted = message.seq
        break
      case 'recalled':
        this.#recalling = false
        this.#returnJobs(({ seq }) => seq > message.started && seq <= message.upTo)
        break
      case 'yield':
        this.#find(message.seq)?.future.deliver(message.value)
        break
      case 'progress':
        this.#find(message.seq)?.future.progressed(message.value)
        break
      case 'error':
        this.#onError(message)
        break
      default:
        message satisfies never
    }
  }

  #find(seq: number): PendingJob | undefined {
    return this.#jobs.find((job) => job.seq === seq)
  }

  #onResult([seq, ms, next, value]: ResultMessage): void {
    const job = this.#takeEnded(seq, ms, next)
    if (job === null) return
    this.#owner.onResult(this, job, value)
    this.#owner.onEnded(this)
  }

  #onError({ seq, ms, next, error }: Extract<FromWorker, { type: 'error' }>): void {
    const job = this.#takeEnded(seq, ms, next)
    if (job === null) return
    this.#owner.onError(this, job, error)
    this.#owner.onEnded(this)
  }

  #takeEnded(seq: number, ms: number, next: number): PendingJob | null {
    this.#lastStarted = next
    const index = this.#jobs.findIndex((job) => job.seq === seq)
    if (index === -1) return null
    const [job] = this.#jobs.splice(index, 1) as [PendingJob]
    job.worker = null
    job.kind.note(ms)
    this.#endGrace()
    this.#markStarted()
    return job
  }

  #markStarted(): void {
    const first = this.#jobs[0]
    if (first === undefined || first.isStarted) return
    first.isStarted = true
    // Cancelled when it was not known here that it had started.
    if (first.future.done()) this.#allowGrace(first)
    this.#owner.onStarted(this, first)
  }

  #onExit(exit: WorkerExit): void {
    this.state = 'ended'
    this.#endGrace()
    this.stopIdling?.()
    const jobs = this.#jobs.splice(0)
    const started = this.#seenStarted()
    const running = jobs[0]?.seq === started ? (jobs[0] ?? null) : null
    const unstarted = running === null ? jobs : jobs.slice(1)
    for (const job of jobs) job.worker = null
    for (const job of unstarted) job.isStarted = false
    this.#owner.onExit(this, exit, { running, unstarted })
  }
}
