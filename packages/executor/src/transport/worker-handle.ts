import { afterDelay } from '@tasktree/core/lowlevel'
import { type JobKind, maxKinds } from '../jobs/job-kind.ts'
import type { PendingJob } from '../jobs/pending-job.ts'
import { CancelGrace } from './cancel-grace.ts'
import {
  type ControlMessage,
  type FromWorker,
  isTuple,
  type JobMessage,
  type JobsMessage,
  type JobTarget,
  type ResultMessage,
} from './protocol.ts'
import type { StartWorker, WorkerExit, WorkerLink } from './worker-link.ts'
import type { WorkerOwner } from './worker-owner.ts'

/**
 * The running job of a worker counts as overtaken when this many jobs have ended in other workers since it started.
 * With the value 16, jobs were taken back from workers whose results were already on their way.
 */
const overtakenBy = 128

export type WorkerState = 'starting' | 'ready' | 'ending' | 'ended'

/**
 * The pool's view of one worker: the jobs that were sent to the worker, in order, and the means to stop it. A worker
 * runs one job after another, so only the first job that has not ended can be running.
 */
export class WorkerHandle {
  readonly id: number
  readonly #owner: WorkerOwner
  readonly #link: WorkerLink
  readonly #jobs: PendingJob[] = []
  /** The job kinds whose functions the worker already has. */
  readonly #known = new Set<JobKind>()
  state: WorkerState = 'starting'
  #lastSent = 0
  #lastStarted = 0
  #messagesSent = 0
  #taken = 0
  #isHeld = true
  #isRecalling = false
  /**
   * True while arguments are being copied. The copy may run the caller's code, such as a getter, and that code may
   * submit another job.
   */
  #isSending = false
  /** The time that a cancelled job has for its clean-up before this worker is killed. */
  readonly #grace: CancelGrace
  /**
   * Set by a `deep` message of the worker, which announces that the next message is a `part` with a deeply nested
   * result: the number of the job to which that `part` belongs. Otherwise null. If that `part` could not be sent, the
   * end of the job follows.
   */
  #deepSeq: number | null = null
  stopIdling: (() => void) | null = null
  #stopEnding: (() => void) | null = null
  /** How many jobs of the pool had ended when the running job of this worker started. */
  endedBefore = 0
  /** Whether the pool has told the worker to end, or has terminated it. */
  isKilled = false
  /** Whether the worker has ever been ready. */
  isReady = false

  constructor(id: number, start: StartWorker, owner: WorkerOwner, cancelGrace: number) {
    this.id = id
    this.#owner = owner
    this.#grace = new CancelGrace(cancelGrace, (job) => {
      if (this.#jobs[0] === job) this.kill()
    })
    this.#link = start(id, {
      onMessage: (message) => this.#onMessage(message),
      onUnreadable: (why, findNext) => this.#onUnreadable(why, findNext),
      onExit: (exit) => this.#onExit(exit),
    })
  }

  /** How many jobs of this worker have not ended. */
  get load(): number {
    return this.#jobs.length
  }

  /** How many jobs were sent to this worker and not given back. */
  get taken(): number {
    return this.#taken
  }

  /** Whether this worker has only jobs of functions whose jobs have been short. */
  get isShort(): boolean {
    return this.#jobs.every(({ kind }) => kind.isShort)
  }

  /**
   * Whether the worker gets no other job for now, because a cancelled job of it has not ended, or because the pool
   * takes back jobs that have not started and the worker has not answered yet.
   */
  get isStopping(): boolean {
    return this.#grace.job !== null || this.#isRecalling
  }

  /** Whether a job can be sent to this worker now. */
  get isOpen(): boolean {
    return this.state === 'ready' && !this.isStopping && !this.#isSending
  }

  get isIdle(): boolean {
    return this.#jobs.length === 0 && this.isOpen
  }

  /**
   * Whether many jobs have ended in other workers while one job ran here. `ended` is the number of jobs that have ended
   * in the pool. If this is true, no other job should wait behind the running job, because the running job may itself
   * be waiting for that other job.
   */
  isOvertaken(ended: number): boolean {
    return this.#jobs.length > 0 && ended - this.endedBefore >= overtakenBy
  }

  /** Returns the jobs that have not started and were not cancelled. */
  listUnstarted(): PendingJob[] {
    const started = this.#seenStarted()
    return this.#jobs.filter((job) => job.seq > started && !job.future.done())
  }

  /** The job that is running or will run next; null when there is none. */
  get first(): PendingJob | null {
    return this.#jobs[0] ?? null
  }

  get isRunning(): boolean {
    return this.#jobs.length > 0 && (this.#jobs[0] as PendingJob).seq <= this.#seenStarted()
  }

  /** Returns the number of the last job that has started, as far as this process knows. */
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

  /** Sends jobs to the worker. @throws when an argument cannot be sent; then no job was sent */
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
      job.sent()
      this.#jobs.push(job)
    }
    if (this.#jobs.length === jobs.length) this.#markStarted()
    // A getter of an argument may have cancelled its job while the argument was copied.
    for (const job of jobs) if (job.future.done() && job.worker === this) this.cancel(job)
  }

  #wrap(jobs: readonly PendingJob[], first: number): JobsMessage {
    if (jobs.length === 1) {
      const [{ kind, args, mode }] = jobs as [PendingJob]
      return [first, kind.id, this.#known.has(kind) ? null : kind.target, mode, ...args]
    }
    return jobs.map(({ kind, args, mode }, index): JobMessage => {
      const target = this.#known.has(kind) ? null : kind.target
      return [first + index, kind.id, args, target, mode]
    })
  }

  tryClone(value: unknown, transferList: PendingJob['transferList'] = []): void {
    this.#link.tryClone(value, transferList)
  }

  #sendControl(message: ControlMessage): void {
    if (this.state !== 'ended') this.#link.sendControl(message)
  }

  /** Whether this worker keeps the pool's process alive. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Sets whether this worker keeps the pool's process alive. A worker that is ending keeps it alive in any case. */
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
   * Takes back the jobs that have not started, if the worker has at least `least` jobs. The pool gets these jobs by a
   * call of `onReturned`, at once or when the worker has answered.
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
      // The job was cancelled before it began, so the worker need not be stopped and is free for other jobs.
      if (job === this.#grace.job) this.#grace.end()
    }
    this.#owner.onReturned(this, returned)
  }

  /**
   * Called when the future of `job` was cancelled: takes the job back if it has not started, and stops it if it is
   * running.
   */
  cancel(job: PendingJob): void {
    if (this.state === 'ended') return
    this.recall(1)
    if (job.worker !== this) return
    const started = this.#link.lastStarted()
    // The job is not the last one that has started, so it has ended in the worker and its outcome is on its way.
    if (started !== null && started !== job.seq) return
    this.#stop(job)
  }

  #stop(job: PendingJob): void {
    this.#link.markCancelled(job.seq)
    this.#sendControl({ type: 'cancel', seq: job.seq })
    if (job === this.#jobs[0]) this.#grace.begin(job)
  }

  /**
   * Lets an idle worker end by itself, so that its exit listeners run and its output is written. After `grace`
   * milliseconds the worker is terminated.
   */
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
    if (isTuple(message)) {
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
    // A `part` is not the last message of its job: the message about the end will follow.
    if (part !== null) return
    const next = findNext(job.seq)
    if (next === null) {
      this.#stop(job)
    } else {
      this.#takeEnded(job.seq, null, next)
      this.#owner.onEnded(this)
    }
  }

  /**
   * Called when the worker could not decode message number `message`, which contained jobs or the initializer. The
   * worker has dropped that message and waits for the next message.
   */
  #onUnreceived(message: number, why: string): void {
    if (!this.isReady) {
      this.#owner.onInitUnreadable(this, why)
      return
    }
    // The functions in that message were lost, so all functions are sent again.
    this.#known.clear()
    const jobs = this.#jobs.filter((job) => job.message === message)
    for (const job of jobs) job.isStarted = false
    const [only, ...others] = jobs
    if (only === undefined) return
    if (others.length === 0) this.#owner.onUnreceived(this, only, why)
    else for (const job of jobs) job.isSuspect = true
    // The worker starts jobs in the order of their numbers, without gaps. So the jobs after the lost ones are taken
    // back, to get new numbers.
    this.recall(1)
  }

  #takeEnded(seq: number, ms: number | null, next: number): PendingJob | null {
    this.#lastStarted = next
    const index = this.#jobs.findIndex((job) => job.seq === seq)
    if (index === -1) return null
    const [job] = this.#jobs.splice(index, 1) as [PendingJob]
    job.worker = null
    this.#deepSeq = null
    if (ms !== null) job.kind.note(ms)
    this.#grace.end()
    this.#markStarted()
    return job
  }

  #markStarted(): void {
    const first = this.#jobs[0]
    if (first === undefined || first.isStarted) return
    first.isStarted = true
    // The job was cancelled before the news of its start arrived here.
    if (first.future.done()) this.#grace.begin(first)
    this.#owner.onStarted(this, first)
  }

  #onExit(exit: WorkerExit): void {
    this.state = 'ended'
    this.#grace.end()
    this.stopIdling?.()
    this.#stopEnding?.()
    const jobs = this.#jobs.splice(0)
    const started = this.#seenStarted()
    const running = jobs[0]?.seq === started ? (jobs[0] ?? null) : null
    const unstarted = running === null ? jobs : jobs.slice(1)
    // A worker receives jobs only while it runs none. So if a job was running, the worker did not die because of the
    // arguments of another job.
    const received = running === null ? unstarted[0]?.message : undefined
    const receiving = unstarted.filter((job) => job.message === received)
    for (const job of unstarted) {
      job.worker = null
      job.isStarted = false
    }
    this.#owner.onExit(this, exit, { running, receiving, unstarted })
    // Not before, because the end of the running job is published with its worker.
    if (running !== null) running.worker = null
  }
}
