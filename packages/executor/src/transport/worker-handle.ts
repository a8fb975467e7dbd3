import { afterDelay } from '@tasktree/core/lowlevel'
import type { PendingJob } from '../jobs/pending-job.ts'
import { CancelGrace } from './cancel-grace.ts'
import {
  type ControlMessage,
  type FromWorker,
  isTuple,
  type JobsMessage,
  type JobTarget,
  type ResultMessage,
} from './protocol.ts'
import { SentJobs } from './sent-jobs.ts'
import type { StartWorker, WorkerExit, WorkerLink } from './worker-link.ts'
import type { WorkerOwner } from './worker-owner.ts'

/**
 * The running job of a worker counts as overtaken when this many jobs have ended in other workers since it started.
 * With the value 16, jobs were taken back from workers whose results were already on their way.
 */
const overtakenBy = 128

export type WorkerState = 'starting' | 'ready' | 'ending' | 'ended'

/**
 * The pool's view of one worker: handles the messages of the worker, takes jobs back from it, and stops it. A worker runs
 * one job after another, so only the first of its jobs that has not ended can be running.
 */
export class WorkerHandle {
  readonly id: number
  readonly #owner: WorkerOwner
  readonly #link: WorkerLink
  readonly #jobs = new SentJobs()
  state: WorkerState = 'starting'
  #lastStarted = 0
  #messagesSent = 0
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
      if (this.first === job) this.kill()
    })
    this.#link = start(id, {
      onMessage: (message) => this.#onMessage(message),
      onUnreadable: (why, findNext) => this.#onUnreadable(why, findNext),
      onExit: (exit) => this.#onExit(exit),
    })
  }

  /** How many jobs of this worker have not ended. */
  get load(): number {
    return this.#jobs.size
  }

  /** How many jobs were sent to this worker and not given back. */
  get taken(): number {
    return this.#jobs.taken
  }

  /** Whether this worker has only jobs of functions whose jobs have been short. */
  get isShort(): boolean {
    return this.#jobs.list().every(({ kind }) => kind.isShort)
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
    return this.#jobs.size === 0 && this.isOpen
  }

  /**
   * Whether many jobs have ended in other workers while one job ran here. `ended` is the number of jobs that have ended
   * in the pool. If this is true, no other job should wait behind the running job, because the running job may itself
   * be waiting for that other job.
   */
  isOvertaken(ended: number): boolean {
    return this.#jobs.size > 0 && ended - this.endedBefore >= overtakenBy
  }

  /** Returns the jobs that have not started and were not cancelled. */
  listUnstarted(): PendingJob[] {
    const started = this.#seenStarted()
    return this.#jobs.list().filter((job) => job.seq > started && !job.future.done())
  }

  /** The job that is running or will run next; null when there is none. */
  get first(): PendingJob | null {
    return this.#jobs.first
  }

  get isRunning(): boolean {
    const { first } = this
    return first !== null && first.seq <= this.#seenStarted()
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
    if (this.#jobs.hasTooManyKinds) {
      this.#sendJobs({ type: 'forget' })
      this.#jobs.forgetKinds()
    }
    this.#sendJobs(this.#jobs.wrap(jobs), (jobs[0] as PendingJob).transferList)
    this.#jobs.add(jobs, this, this.#messagesSent)
    if (this.#jobs.size === jobs.length) this.#markStarted()
    // A getter of an argument may have cancelled its job while the argument was copied.
    for (const job of jobs) if (job.future.done() && job.worker === this) this.cancel(job)
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
    if (this.#jobs.size < least || this.#isRecalling || this.state === 'ended') return
    const started = this.#link.recall(this.#jobs.lastSeq)
    if (started === null) this.#isRecalling = true
    else if (this.#jobs.list().some(({ seq }) => seq > started))
      this.#returnJobs(({ seq }) => seq > started)
  }

  #returnJobs(isMeant: (job: PendingJob) => boolean): void {
    const returned = this.#jobs.takeBack(isMeant)
    // The job was cancelled before it began, so the worker need not be stopped and is free for other jobs.
    if (returned.some((job) => job === this.#grace.job)) this.#grace.end()
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
    if (job === this.first) this.#grace.begin(job)
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
        this.#jobs.find(message.seq)?.future.deliver(message.value)
        break
      case 'part':
        this.#deepSeq = null
        this.#jobs.find(message.seq)?.addPart(message.results)
        break
      case 'deep':
        this.#deepSeq = message.seq
        break
      case 'progress':
        this.#jobs.find(message.seq)?.future.progressed(message.value)
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
    const job = part === null ? this.first : this.#jobs.find(part)
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
    this.#jobs.forgetKinds()
    const jobs = this.#jobs.list().filter((job) => job.message === message)
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
    const job = this.#jobs.takeEnded(seq)
    if (job === null) return null
    this.#deepSeq = null
    if (ms !== null) job.kind.note(ms)
    this.#grace.end()
    this.#markStarted()
    return job
  }

  #markStarted(): void {
    const { first } = this
    if (first === null || first.isStarted) return
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
    const started = this.#seenStarted()
    const running = this.first?.seq === started ? this.first : null
    const unstarted = this.#jobs.takeBack((job) => job !== running)
    // A worker receives jobs only while it runs none. So if a job was running, the worker did not die because of the
    // arguments of another job.
    const received = running === null ? unstarted[0]?.message : undefined
    const receiving = unstarted.filter((job) => job.message === received)
    this.#owner.onExit(this, exit, { running, receiving, unstarted })
    // Not before, because the end of the running job is published with its worker.
    if (running !== null) this.#jobs.takeEnded(running.seq)
  }
}
