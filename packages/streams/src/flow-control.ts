import { checkOptions } from '@tasktree/core/lowlevel'
import { ConnectionResetError } from './os-error.ts'
import { type WaitOptions, EventWaiters } from './event-waiters.ts'

/** The calls by which a transport reports on its writing side. */
export interface WriteProtocol {
  pauseWriting?(): void
  resumeWriting?(): void
  connectionLost?(error: Error | null): void
}

/** The waits on a transport: until its buffer is drained, and until it has closed. The end of the connection ends both. */
export class FlowControl implements WriteProtocol {
  readonly #draining = new EventWaiters()
  readonly #closing = new EventWaiters()
  #paused = false
  #lost = false
  #error: Error | null = null

  get paused(): boolean {
    return this.#paused
  }

  get lost(): boolean {
    return this.#lost
  }

  pauseWriting(): void {
    this.#paused = true
  }

  resumeWriting(): void {
    this.#paused = false
    this.#draining.wake()
  }

  connectionLost(error: Error | null): void {
    if (this.#lost) return
    this.#lost = true
    this.#error = error
    this.#draining.wake(error)
    this.#closing.wake(error)
  }

  /** @throws {ConnectionResetError} when the connection is gone */
  drain(options?: WaitOptions): Promise<void> {
    checkOptions(options)
    return this.#drain(options)
  }

  async #drain(options: WaitOptions | undefined): Promise<void> {
    if (this.#lost) {
      throw new ConnectionResetError('the connection is lost', { cause: this.#error ?? undefined })
    }
    if (this.#paused) await this.#draining.wait(options)
  }

  /** @throws the error with which the connection was lost */
  waitClosed(options?: WaitOptions): Promise<void> {
    checkOptions(options)
    return this.#waitClosed(options)
  }

  async #waitClosed(options: WaitOptions | undefined): Promise<void> {
    if (!this.#lost) await this.#closing.wait(options)
    else if (this.#error !== null) throw this.#error
  }
}
