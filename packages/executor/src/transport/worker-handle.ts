import { afterDelay } from '@tasktree/core/lowlevel'
import type { EncodedError } from '../jobs/encode-error.ts'
import { type JobKind, maxKinds } from '../jobs/job-kind.ts'
import type { PendingJob } from '../jobs/pending-job.ts'
import type {
  ControlMessage,
  FromWorker,
  JobMessage,
  JobsMessage,
  JobTarget,
  ResultMessage,
} from './protocol.ts'
import type { StartWorker, WorkerExit, WorkerLink } from './worker-link.ts'

/** What a worker's handle tells the pool. */
export interface WorkerOwner {
  onReady(worker: WorkerHandle): void
  onStartFailed(worker: WorkerHandle, error: EncodedError): void
  /** The worker cannot decode the arguments of its initializer. */
  onInitUnreadable(worker: WorkerHandle, why: string): void
  onStarted(worker: WorkerHandle, job: PendingJob): void
  /** `job` has ended in its worker, which may take another. */
  onResult(worker: WorkerHandle, job: PendingJob, value: unknown): void
  onError(worker: WorkerHandle, job: PendingJob, error: EncodedError): void
  /** What `job` has sent cannot be decoded here. Its code may still run. */
  onUnreadable(worker: WorkerHandle, job: PendingJob, why: unknown): void
  /** The worker cannot decode what `job` was given. It has not started. */
  onUnreceived(worker: WorkerHandle, job: PendingJob, why: string): void
  /** Called after a job has ended in whatever way. */
  onEnded(worker: WorkerHandle): void
  /** The worker gave these jobs back without having started them. */
  onReturned(worker: WorkerHandle, jobs: PendingJob[]): void
  onExit(worker: WorkerHandle, exit: WorkerExit, left: LeftJobs): void
}

/** The jobs of a worker that has ended. */
export interface LeftJobs {
  /** Null when no job ran. */
  readonly running: PendingJob | null
  /** The jobs that the worker was about to receive when it ended. */
  readonly receiving: PendingJob[]
  readonly unstarted: PendingJob[]
}

/**
 * How many jobs end elsewhere before the running job of a worker counts as overtaken. With 16, half a batch, jobs
 * were taken back from workers whose results were only on their way.
 */
const overtakenBy = 128

export type WorkerState = 'starting' | 'ready' | 'ending' | 'ended'

/**
 * A pool's view of one worker: what was sent to it, in order, and how it is stopped. The worker runs its jobs one
 * after another, so at most the first job that has not ended is running.
 */
export class WorkerHandle {
  readonly id: number
  readonly #owner: WorkerOwner
  readonly #link: WorkerLink
  readonly #jobs: PendingJob[] = []
  /** The kinds whose functions the worker has. */
  readonly #known = new Set<JobKind>()
  state: WorkerState = 'starting'
  #lastSent = 0
  #lastStarted = 0
  #messagesSent = 0
  #taken = 0
  #isHeld = true
  #isRecalling = false
  /** Values are being copied, which may run code of the caller: a getter that submits another job. */
  #isSending = false
  #stopGrace: (() => void) | null = null
  /** The job whose `part` is the next message, null when the next message is another. */
  #deepSeq: number | null = null
  /** The job that has the grace. */
  #stopping: PendingJob | null = null
  stopIdling: (() => void) | null = null
  #stopEnding: (() => void) | null = null
  /** How many jobs of its pool had ended when its running job started. */
  endedBefore = 0
  /** Whether it ends because the pool told it to. */
  isKilled = false
  /** Whether it has ever been ready. */
  isReady = false
  readonly #cancelGrace: number

  constructor(id: number, start: StartWorker, owner: WorkerOwner, cancelGrace: number) {
    this.id = id
    this.#owner = owner
    this.#cancelGrace = cancelGrace
    this.#link = start(id, {
      onMessage: (message) => this.#onMessage(message),
      onUnreadable: (why, findNext) => this.#onUnreadable(why, findNext),
      onExit: (exit) => this.#onExit(exit),
    })
  }

  /** How many jobs it has that have not ended. */
  get load(): number {
    return this.#jobs.length
  }

  /** How many jobs were sent to it and not given back. */
  get taken(): number {
    return this.#taken
  }

  /** Whether all its jobs are of a short kind. */
  get isShort(): boolean {
    return this.#jobs.every(({ kind }) => kind.isShort)
  }

  /** Whether one of its jobs is being cancelled. The worker gets no other job before the cancelled job has ended. */
  get isStopping(): boolean {
    return this.#stopGrace !== null || this.#isRecalling
  }

  /** Whether it can take a job. */
  get isOpen(): boolean {
    return this.state === 'ready' && !this.isStopping && !this.#isSending
  }

  get isIdle(): boolean {
    return this.#jobs.length === 0 && this.isOpen
  }

  /**
   * Whether many of the pool's `ended` jobs have ended in other workers while one job ran here. Then no job should
   * wait behind the running job, because the running job may be waiting for a job behind it.
   */
  isOvertaken(ended: number): boolean {
    return this.#jobs.length > 0 && ended - this.endedBefore >= overtakenBy
  }

  /** Its jobs that have not started and are still wanted. */
  listUnstarted(): PendingJob[] {
    const started = this.#seenStarted()
    return this.#jobs.filter((job) => job.seq > started && !job.future.done())
  }

  /** The job that runs, or is the next to run. */
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
    this.#sendJobs({ type: 'init', target, args })
  }

  #sendJobs(message: JobsMessage, transferList: PendingJob['transferList'] = []): void {
    this.#isSending = true
    try {
      this.#link.sendJobs(message, transferList)
      this.#messagesSent++
    } finally {
      this.#isSending = false
    }
  }

  /** @throws what the transport throws; nothing has been sent then */
  send(jobs: readonly PendingJob[]): void {
    if (this.#known.size >= maxKinds && this.#jobs.length === 0) {
      this.#sendJobs({ type: 'forget' })
      this.#known.clear()
    }
    const first = this.#lastSent + 1
    this.#sendJobs(this.#wrap(jobs, first), (jobs[0] as PendingJob).transferList)
    this.#lastSent += jobs.length
    this.#taken += jobs.length
    for (const [index, job] of jobs.entries()) {
      this.#known.add(job.kind)
      job.worker = this
      job.seq = first + index
      job.message = this.#messagesSent
      this.#jobs.push(job)
    }
    if (this.#jobs.length === jobs.length) this.#markStarted()
    // A getter of an argument may have cancelled its job while it was copied.
    for (const job of jobs) if (job.future.done() && job.worker === this) this.cancel(job)
  }

  #wrap(jobs: readonly PendingJob[], first: number): JobsMessage {
    if (jobs.length === 1) {
      const [{ kind, args, chunked }] = jobs as [PendingJob]
      return [first, kind.id, this.#known.has(kind) ? null : kind.target, chunked, ...args]
    }
    return jobs.map(({ kind, args, chunked }, index): JobMessage => {
      const target = this.#known.has(kind) ? null : kind.target
      return [first + index, kind.id, args, target, chunked]
    })
  }

  tryClone(value: unknown, transferList: PendingJob['transferList'] = []): void {
    this.#link.tryClone(value, transferList)
  }

  #sendControl(message: ControlMessage): void {
    if (this.state !== 'ended') this.#link.sendControl(message)
  }

  /** Whether it keeps this process alive. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Sets whether it keeps this process alive. A worker that is ending does, until it has ended. */
  hold(on: boolean): void {
    const holds = on || this.state === 'ending'
    if (holds === this.#isHeld) return
    this.#isHeld = holds
    this.#link.hold(holds)
  }

  grant(job: PendingJob, count: number): void {
    if (job.worker === this) this.#sendControl({ type: 'credit', seq: job.seq, count })
  }

  /**
   * Takes back the jobs that have not started, when the worker has at least `least` jobs. They go to the owner, at
   * once or when the worker has answered.
   */
  recall(least = 2): void {
    if (this.#jobs.length < least || this.#isRecalling || this.state === 'ended') return
    const upTo = this.#lastSent
    const started = this.#link.recall(upTo)
    if (started === null) this.#isRecalling = true
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
      // It was cancelled before it had begun: the worker is free for others.
      if (job === this.#stopping) this.#endGrace()
    }
    this.#owner.onReturned(this, returned)
  }

  /** `job` is not wanted any more: takes it back when it has not started, stops it when it runs. */
  cancel(job: PendingJob): void {
    if (this.state === 'ended') return
    this.recall(1)
    if (job.worker !== this) return
    const started = this.#link.lastStarted()
    // It has ended there already, and its outcome is on its way.
    if (started !== null && started !== job.seq) return
    this.#stop(job)
  }

  #stop(job: PendingJob): void {
    this.#link.markCancelled(job.seq)
    this.#sendControl({ type: 'cancel', seq: job.seq })
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
      // The message of its end may have arrived and not been handled yet.
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

  /** Ends an idle worker from inside: its exit listeners run and its output is written, within `grace` milliseconds. */
  end(grace: number): void {
    if (this.state === 'ending' || this.state === 'ended') return
    this.state = 'ending'
    this.isKilled = true
    this.#sendControl({ type: 'stop' })
    this.hold(true)
    this.#stopEnding = afterDelay(grace, () => this.#link.kill(), { hold: true })
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
        this.#isRecalling = false
        this.#returnJobs(({ seq }) => seq > message.started && seq <= message.upTo)
        break
      case 'yield':
        this.#find(message.seq)?.future.deliver(message.value)
        break
      case 'part':
        this.#deepSeq = null
        this.#find(message.seq)?.addPart(message.results)
        break
      case 'deep':
        this.#deepSeq = message.seq
        break
      case 'progress':
        this.#find(message.seq)?.future.progressed(message.value)
        break
      case 'error':
        this.#onError(message)
        break
      case 'unreadable':
        this.#onUnreceived(message.message, message.why)
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

  #onUnreadable(why: unknown, findNext: (seq: number) => number | null): void {
    const part = this.#deepSeq
    this.#deepSeq = null
    const job = part === null ? this.first : (this.#find(part) ?? null)
    if (job === null) return
    this.#owner.onUnreadable(this, job, why)
    // The end of the job follows.
    if (part !== null) return
    const next = findNext(job.seq)
    if (next === null) {
      this.#stop(job)
    } else {
      this.#takeEnded(job.seq, null, next)
      this.#owner.onEnded(this)
    }
  }

  /** The worker could not decode one message. It has dropped it, and waits for others. */
  #onUnreceived(message: number, why: string): void {
    if (!this.isReady) {
      this.#owner.onInitUnreadable(this, why)
      return
    }
    // The functions that travelled in it are sent again.
    this.#known.clear()
    const jobs = this.#jobs.filter((job) => job.message === message)
    const [only, ...others] = jobs
    if (only === undefined) return
    if (others.length === 0) this.#owner.onUnreceived(this, only, why)
    else for (const job of jobs) job.isSuspect = true
    // The worker starts its jobs in the order of their numbers: those behind the lost ones must get new numbers.
    this.recall(1)
  }

  #takeEnded(seq: number, ms: number | null, next: number): PendingJob | null {
    this.#lastStarted = next
    const index = this.#jobs.findIndex((job) => job.seq === seq)
    if (index === -1) return null
    const [job] = this.#jobs.splice(index, 1) as [PendingJob]
    job.worker = null
    if (ms !== null) job.kind.note(ms)
    this.#endGrace()
    this.#markStarted()
    return job
  }

  #markStarted(): void {
    const first = this.#jobs[0]
    if (first === undefined || first.isStarted) return
    first.isStarted = true
    // It was cancelled before it was known here that it had started.
    if (first.future.done()) this.#allowGrace(first)
    this.#owner.onStarted(this, first)
  }

  #onExit(exit: WorkerExit): void {
    this.state = 'ended'
    this.#endGrace()
    this.stopIdling?.()
    this.#stopEnding?.()
    const jobs = this.#jobs.splice(0)
    const started = this.#seenStarted()
    const running = jobs[0]?.seq === started ? (jobs[0] ?? null) : null
    const unstarted = running === null ? jobs : jobs.slice(1)
    // A worker receives jobs only while it runs none, so a running job never dies of another job's arguments.
    const received = running === null ? unstarted[0]?.message : undefined
    const receiving = unstarted.filter((job) => job.message === received)
    for (const job of jobs) job.worker = null
    for (const job of unstarted) job.isStarted = false
    this.#owner.onExit(this, exit, { running, receiving, unstarted })
  }
}
