import type { Transferable } from 'node:worker_threads'
import { JobFuture, type JobControl } from './job-future.ts'
import type { JobKind } from './job-kind.ts'
import type { SubmitStack } from './submit-stack.ts'
import { transferListOf } from './transfer.ts'
import type { WorkerHandle } from '../transport/worker-handle.ts'

/** What a pool does for a job's future. */
export interface JobOwner {
  abandonJob(job: PendingJob): void
}

/** A job from its submission to its end. */
export class PendingJob implements JobControl {
  readonly future: JobFuture<unknown, unknown>
  readonly kind: JobKind
  readonly args: readonly unknown[]
  readonly chunked: boolean
  readonly transferList: readonly Transferable[]
  /** Set when it has been sent or queued. */
  submitted: SubmitStack = {}
  readonly #owner: JobOwner
  /** The worker it was sent to, and its number there. */
  worker: WorkerHandle | null = null
  seq = 0
  /** Its neighbours in the queue. */
  previous: PendingJob | null = null
  next: PendingJob | null = null
  isQueued = false
  isStarted = false

  constructor(owner: JobOwner, kind: JobKind, args: readonly unknown[], chunked: boolean) {
    this.#owner = owner
    this.kind = kind
    this.args = args
    this.chunked = chunked
    this.transferList = transferListOf(args)
    this.future = new JobFuture(this)
  }

  abandon(): void {
    this.#owner.abandonJob(this)
  }

  grant(count: number): void {
    this.worker?.grant(this, count)
  }
}
