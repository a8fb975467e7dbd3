import { type CancelledError, currentTask, type Task } from '@tasktree/core'
import { Claim, type WaitDetails, waitDetails } from '@tasktree/core/lowlevel'

/** A read of any kind, as its reader sees it. */
export interface WaitingRead {
  /** The name of the method, for error messages. */
  readonly what: string
  /** The number of buffered bytes below which an attempt cannot succeed before the end of the stream. */
  readonly needs: number
  readonly task: Task | null
  /** Whether this read was woken, and its task was cancelled before the read had its turn. */
  readonly isGivenUp: boolean
  wake(): boolean
  /** Ends the read with `error`, unless it was woken: then its turn decides. */
  endWith(error: Error): void
}

/** The reader, as its waiting reads see it. */
export interface ReadOwner {
  /** The read no longer waits. */
  left(read: WaitingRead): void
  /** Where the bytes come from, and how many have come, for `why`. */
  details(what: string): WaitDetails
  /** The read had its turn, and there were not enough bytes. @throws the error of a reader that has failed */
  stillWaits(): void
}

/**
 * A read that waits for bytes.
 *
 * The reader wakes it when something has changed. In its own turn of the loop the read tries to take its bytes; when
 * there are not enough, it stays pending and the reader wakes it again. Until this turn the bytes are still in the
 * reader, so a read that is cancelled in between has consumed nothing.
 */
export class PendingRead<T> extends Claim<T> implements WaitingRead {
  /** @internal the bundler calls a class that names itself `_PendingRead` */
  static override readonly name: string = 'PendingRead'

  readonly what: string
  readonly needs: number
  readonly task: Task | null = currentTask()
  readonly #attempt: () => T | null
  readonly #owner: ReadOwner

  /** @param attempt takes the bytes; null when there are not enough */
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
