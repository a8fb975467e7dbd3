import type { WaitDetails } from '@tasktree/core/lowlevel'
import type { Transferable } from 'node:worker_threads'
import type { Linked, LinkedList } from '@tasktree/core/lowlevel'
import type { JobTrace } from '../pool/tracing.ts'
import type { CallMode, Carrier } from '../transport/protocol.ts'
import type { WorkerHandle } from '../transport/worker-handle.ts'
import { type JobControl, JobFuture } from './job-future.ts'
import type { JobKind } from './job-kind.ts'
import type { SubmitStack } from './submit-stack.ts'
import { transferListOf, unmark } from './transfer.ts'

/** The calls that a job makes to its pool. */
export interface JobOwner {
  abandonJob(job: PendingJob): void
}

const none: readonly unknown[] = []

/** When the position of a job in the queue is shown, at most this many jobs before it are counted. */
const mostCounted = 100

/** A submitted job, until it has ended. */
export class PendingJob implements JobControl, Linked<PendingJob> {
  readonly future: JobFuture<unknown, unknown>
  readonly kind: JobKind
  readonly args: readonly unknown[]
  readonly chunked: boolean
  readonly transferList: readonly Transferable[]
  /** What a tracing tool has got about this job; null if no tool listened at the submission. */
  trace: JobTrace | null = null
  /** The text fields of a tracing tool that travel with the job. */
  carrier: Carrier | null = null
  /** The stack of the submission. Set only after the job was sent or queued. */
  submitted: SubmitStack = {}
  readonly #owner: JobOwner
  /**
   * `worker` is the worker that got the job, `seq` is the number of the job in that worker, and `message` is the number
   * of the message that contained the job.
   */
  worker: WorkerHandle | null = null
  seq = 0
  message = 0
  list: LinkedList<PendingJob> | null = null
  nextInList: PendingJob | null = null
  previousInList: PendingJob | null = null
  isStarted = false
  /**
   * The first results of a chunk, if some are nested so deeply that the worker sent them apart from the outcome of the
   * chunk.
   */
  parts: readonly unknown[] = none
  /** How many workers have died while they received this job. */
  deaths = 0
  /**
   * True when a worker could not decode a message with this job, or has died while it received this job. Such a job is
   * sent alone, so that no other job suffers.
   */
  isSuspect = false

  constructor(owner: JobOwner, kind: JobKind, args: readonly unknown[], chunked: boolean) {
    this.#owner = owner
    this.kind = kind
    this.args = args
    this.chunked = chunked
    this.transferList = transferListOf(this.#marked)
    // If a chunk cannot be sent, each of its items becomes a separate job, which needs the mark of the item. So the
    // marks of a chunk are kept until it was sent.
    if (!chunked) this.#unmark()
    this.future = new JobFuture(this)
  }

  /** The values of the caller that `transfer` may have marked. */
  get #marked(): readonly unknown[] {
    return this.chunked ? (this.args[0] as readonly unknown[]) : this.args
  }

  #unmark(): void {
    if (this.transferList.length > 0) unmark(this.#marked)
  }

  /** Called when the job was sent to a worker. */
  sent(): void {
    if (this.chunked) this.#unmark()
  }

  /**
   * Whether this job may be sent together with other jobs. Objects of a transfer list are lost when the worker dies, so
   * a job with a transfer list is sent alone and starts at once.
   */
  get mayFollow(): boolean {
    return this.kind.isShort && this.transferList.length === 0 && !this.isSuspect
  }

  get mode(): CallMode {
    const { chunked, carrier } = this
    return carrier === null ? chunked : { chunked, carrier }
  }

  addPart(results: readonly unknown[]): void {
    this.parts = [...this.parts, ...results]
  }

  details(): WaitDetails {
    const { worker } = this
    let note: string
    if (worker === null) note = `${this.#position()} in the queue of its pool`
    else if (worker.first === this) note = `in worker ${worker.id}`
    else note = `${worker.listUnstarted().indexOf(this) + 1} in the queue of worker ${worker.id}`
    return { kind: 'job', label: `job '${this.kind.name}'`, note }
  }

  /**
   * Returns the position in the queue of the pool. Counts no further than `mostCounted`, because a snapshot of the
   * process calls this for each task that waits for a job of the queue.
   */
  #position(): string {
    let ahead = 0
    for (let job = this.previousInList; job !== null; job = job.previousInList) {
      if (++ahead === mostCounted) return `after at least ${mostCounted} other jobs`
    }
    return String(ahead + 1)
  }

  abandon(): void {
    this.#owner.abandonJob(this)
  }

  grant(count: number): void {
    this.worker?.grant(this, count)
  }
}
