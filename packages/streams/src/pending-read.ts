import { type CancelledError, currentTask, type Task } from '@tasktree/core'
import { Claim, type WaitDetails, waitDetails } from '@tasktree/core/lowlevel'

/** The part of a pending read that its reader uses. */
export interface WaitingRead {
  /** The name of the method, for error messages. */
  readonly what: string
  /** The number of buffered bytes that the read needs at least, unless the stream has ended. */
  readonly needs: number
  readonly task: Task | null
  /** Whether the read was woken, and was cancelled before its code continued. */
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
  /** Called when the read has ended or was cancelled. */
  left(read: WaitingRead): void
  /**
   * Returns where the bytes come from, and how many have arrived. `why()` of core, which explains what a task waits for,
   * shows it. `what` is the name of the method that reads.
   */
  details(what: string): WaitDetails
  /** Called when the read was woken, but there were not enough bytes. @throws the error of a reader that has failed */
  stillWaits(): void
}

/**
 * A read that waits for bytes.
 *
 * The reader wakes the read when bytes have arrived or the stream has ended. When the waiting code continues, the read
 * tries to take its bytes. If there are not enough bytes, the read stays pending, and the reader wakes it again later.
 * The bytes stay in the reader until the waiting code continues. So a read that is cancelled before that has consumed
 * nothing.
 */
export class PendingRead<T> extends Claim<T> implements WaitingRead {
  /** @internal the name that users see; without it, a bundler may rename the class to `_PendingRead` */
  static override readonly name: string = 'PendingRead'

  readonly what: string
  readonly needs: number
  readonly task: Task | null = currentTask()
  readonly #attempt: () => T | null
  readonly #owner: ReadOwner

  /**
   * @param attempt a function that takes the bytes out of the reader and returns them. It returns null, and takes
   * nothing, if there are not enough bytes.
   */
  constructor(what: string, needs: number, attempt: () => T | null, owner: ReadOwner) {
    super()
    this.what = what
    this.needs = needs
    this.#attempt = attempt
    this.#owner = owner
  }

  get isGivenUp(): boolean {
    return this.done() || (this.isWoken() && (this.task?.cancelling() ?? 0) > 0)
  }

  endWith(error: Error): void {
    if (this.isWoken() || this.done()) return
    this.#owner.left(this)
    this.setException(error)
  }

  override cancel(msg?: string | CancelledError): boolean {
    const cancelled = super.cancel(msg)
    if (cancelled) this.#owner.left(this)
    return cancelled
  }

  /** @internal */
  [waitDetails](): WaitDetails {
    return this.#owner.details(this.what)
  }

  protected override claim(): void {
    try {
      const taken = this.#attempt()
      if (taken === null) {
        this.#owner.stillWaits()
        return
      }
      this.#owner.left(this)
      this.setResult(taken)
    } catch (error) {
      this.#owner.left(this)
      this.setException(error)
    }
  }

  protected override decline(): void {
    this.#owner.left(this)
  }
}
