import type { EncodedError } from './encode-error.ts'
import type { PendingJob } from './pending-job.ts'
import type { FromWorker, JobMessage, ModuleTarget, SourceTarget, ToWorker } from './protocol.ts'
import { afterDelay } from './real-timer.ts'
import type { StartWorker, WorkerExit, WorkerLink } from './worker-link.ts'

/** What a worker tells its pool. */
export interface WorkerOwner {
  onReady(worker: WorkerHandle): void
  onStartFailed(worker: WorkerHandle, error: EncodedError): void
  /** `job` has ended in its worker, which may take another. */
  onOutcome(worker: WorkerHandle, job: PendingJob, outcome: Outcome): void
  /** Jobs that the worker gave back without having started them. */
  onReturned(worker: WorkerHandle, jobs: PendingJob[]): void
  onStarted(worker: WorkerHandle, job: PendingJob): void
  onExit(worker: WorkerHandle, exit: WorkerExit, left: LeftJobs): void
  /** A function's source as it is sent to `worker`. */
  sourceTarget(worker: WorkerHandle, source: string): SourceTarget
}

export type Outcome = Extract<FromWorker, { type: 'result' | 'error' }>

/** The jobs of a worker that has ended. */
export interface LeftJobs {
  readonly running: PendingJob | null
  readonly unstarted: PendingJob[]
}

export type WorkerState = 'starting' | 'ready' | 'ending' | 'ended'

/** How fast the estimate follows jobs that become shorter; one long job counts at once. */
const decay = 0.2

/**
 * A pool's view of one worker: what was sent to it, in order, and how it is stopped. The worker runs
 * its jobs one after another, so at most the first one not yet ended is running.
 */
export class WorkerHandle {
  readonly id: number
  readonly #owner: WorkerOwner
  readonly #link: WorkerLink
  readonly #jobs: PendingJob[] = []
  /** The ids of the sources it has. */
  readonly knownSources: Set<number> = new Set()
  state: WorkerState = 'starting'
  #lastSent = 0
  #lastStarted = 0
  #taken = 0
  #isHeld = true
  /** How long its jobs take, in milliseconds. */
  #jobTime = Infinity
  #recalling = false
  #stopGrace: (() => void) | null = null
  /** The job that has the grace. */
  #stopping: PendingJob | null = null
  stopIdling: (() => void) | null = null
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

  get jobTime(): number {
    return this.#jobTime
  }

  /** Whether a job of it is being cancelled: it gets no other before that has ended. */
  get isStopping(): boolean {
    return this.#stopGrace !== null || this.#recalling
  }

  /** Whether it has ever been ready. */
  isReady = false

  /** Those behind the running one that are still wanted. */
  listUnstarted(): PendingJob[] {
    return this.#jobs.slice(1).filter((job) => !job.future.done())
  }

  get running(): PendingJob | null {
    return this.#jobs[0] ?? null
  }

  initialize(target: ModuleTarget | SourceTarget | null, args: readonly unknown[]): void {
    this.#link.post({ type: 'init', target, args }, [])
  }

  /** @throws what the transport throws; nothing was sent then */
  send(jobs: readonly PendingJob[]): void {
    const first = this.#lastSent + 1
    const messages = jobs.map((job, index): JobMessage => ({
      seq: first + index,
      target:
        'source' in job.target ? this.#owner.sourceTarget(this, job.target.source) : job.target,
      args: job.args,
      chunked: job.chunked,
    }))
    this.#link.post(
      { type: 'run', jobs: messages },
      jobs.length === 1 ? (jobs[0] as PendingJob).transferList : [],
    )
    for (const { target } of messages) if ('id' in target) this.knownSources.add(target.id)
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
    else this.#returnJobs(({ seq }) => seq > started)
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
      case 'result':
      case 'error':
        this.#onOutcome(message)
        break
      default:
        message satisfies never
    }
  }

  #find(seq: number): PendingJob | undefined {
    return this.#jobs.find((job) => job.seq === seq)
  }

  #onOutcome(outcome: Outcome): void {
    this.#lastStarted = outcome.next
    const index = this.#jobs.findIndex((job) => job.seq === outcome.seq)
    const [job] = this.#jobs.splice(index, 1)
    if (job === undefined) return
    job.worker = null
    const { ms } = outcome
    this.#jobTime =
      ms >= this.#jobTime || this.#jobTime === Infinity
        ? ms
        : this.#jobTime * (1 - decay) + ms * decay
    this.#endGrace()
    this.#markStarted()
    this.#owner.onOutcome(this, job, outcome)
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
    const started = this.#link.lastStarted() ?? this.#lastStarted
    const running = jobs[0]?.seq === started ? (jobs[0] ?? null) : null
    const unstarted = running === null ? jobs : jobs.slice(1)
    for (const job of jobs) job.worker = null
    for (const job of unstarted) job.isStarted = false
    this.#owner.onExit(this, exit, { running, unstarted })
  }
}
