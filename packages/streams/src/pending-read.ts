import { type CancelledError, currentTask, RuntimeError, type Task } from '@tasktree/core'
import { Claim, type WaitDetails, waitDetails } from '@tasktree/core/lowlevel'

/** The part of a pending read that `PendingReads` uses. It does not depend on the type of the result. */
interface WaitingRead {
  /** The name of the method, for error messages. */
  readonly what: string
  /** The number of buffered bytes that the read needs at least, unless the stream has ended. */
  readonly needs: number
  readonly task: Task | null
  /** Whether the read has ended, or was woken and its task was cancelled before its code continued. */
  readonly isGivenUp: boolean
  wake(): boolean
  /**
   * Makes the read fail with `error`. A read that was already woken does not fail now: when its code continues, the read
   * first tries to take its bytes.
   */
  endWith(error: Error): void
}

/** The part of a reader that its pending reads use. */
export interface ReadOwner {
  /**
   * Returns a text that says where the bytes come from, and how many have arrived. `why()` of core, which explains what a
   * task waits for, shows this text. `what` is the name of the method that reads.
   */
  details(what: string): WaitDetails
  /** Whether a read may end now: there are bytes, the stream has ended, or the reader has failed. */
  mayEnd(): boolean
  /** Called when a read was woken, but there were not enough bytes. @throws the error of a reader that has failed */
  stillWaits(): void
}

/**
 * The reads of one reader that wait. Only one read may wait at a time, so a second read is refused. There is one
 * exception: if the waiting read was cancelled, but its code has not continued yet, the next reads wait behind it.
 */
export class PendingReads {
  /** The pending read; null when there is none. */
  first: WaitingRead | null = null
  /** Reads that began after `first` was cancelled, and before the code of that cancelled read has continued. */
  readonly #next: WaitingRead[] = []
  readonly owner: ReadOwner

  constructor(owner: ReadOwner) {
    this.owner = owner
  }

  /** Returns the error for a call of the method `what` while another read waits; null when the call may go on. */
  refusal(what: string): RuntimeError | null {
    const first = this.first
    if (first === null || first.isGivenUp) return null
    return new RuntimeError(
      `${what}() called while another task waits for data on this reader: ${first.what}() of ${first.task?.name ?? 'plain code'}`,
    )
  }

  add<T>(what: string, needs: number, attempt: () => T | null): PendingRead<T> {
    const read = new PendingRead(what, needs, attempt, this)
    if (this.first === null) this.first = read
    else this.#next.push(read)
    return read
  }

  /** Called when a read has ended or was cancelled. */
  left(read: WaitingRead): void {
    if (this.first === read) this.#wakeNext()
    else if (this.#next.includes(read)) this.#next.splice(this.#next.indexOf(read), 1)
  }

  #wakeNext(): void {
    const next = this.#next.shift() ?? null
    this.first = next
    if (next !== null && this.owner.mayEnd()) next.wake()
  }

  /** Makes all reads fail with `error`, but a read that was already woken first tries to take its bytes. */
  failAll(error: Error): void {
    for (const read of this.#next.splice(0)) read.endWith(error)
    this.first?.endWith(error)
  }
}

/**
 * A read that waits for bytes.
 *
 * The reader wakes the read when enough bytes may have arrived or the stream has ended. When the waiting code continues,
 * the read tries to take its bytes. If there are not enough bytes, the read stays pending, and the reader wakes it again
 * later. The bytes stay in the reader until the waiting code continues. So a read that is cancelled before that has
 * consumed nothing.
 */
export class PendingRead<T> extends Claim<T> implements WaitingRead {
  /** @internal the name that users see; without it, a bundler may rename the class to `_PendingRead` */
  static override readonly name: string = 'PendingRead'

  readonly what: string
  readonly needs: number
  readonly task: Task | null = currentTask()
  readonly #attempt: () => T | null
  readonly #reads: PendingReads

  /**
   * @param attempt a function that takes the bytes out of the reader and returns them. It returns null, and takes
   * nothing, if there are not enough bytes.
   */
  constructor(what: string, needs: number, attempt: () => T | null, reads: PendingReads) {
    super()
    this.what = what
    this.needs = needs
    this.#attempt = attempt
    this.#reads = reads
  }

  get isGivenUp(): boolean {
    return this.done() || this.willDecline()
  }

  endWith(error: Error): void {
    if (this.isWoken() || this.done()) return
    this.#reads.left(this)
    this.setException(error)
  }

  override cancel(msg?: string | CancelledError): boolean {
    const cancelled = super.cancel(msg)
    if (cancelled) this.#reads.left(this)
    return cancelled
  }

  /** @internal */
  [waitDetails](): WaitDetails {
    return this.#reads.owner.details(this.what)
  }

  protected override claim(): void {
    try {
      const taken = this.#attempt()
      if (taken === null) {
        this.#reads.owner.stillWaits()
        return
      }
      this.#reads.left(this)
      this.setResult(taken)
    } catch (error) {
      this.#reads.left(this)
      this.setException(error)
    }
  }

  protected override decline(): void {
    this.#reads.left(this)
  }
}
