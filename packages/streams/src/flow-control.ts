import { checkOptions } from '@tasktree/core/lowlevel'
import { ConnectionResetError } from './os-error.ts'
import { type WaitOptions, Waiters } from './waiters.ts'

/** What a transport tells about its writing side. */
export interface WriteProtocol {
  pauseWriting?(): void
  resumeWriting?(): void
  connectionLost?(error: Error | null): void
}

/** Who waits for a transport: to drain, or to be closed. Both waits also end with the connection. */
export class FlowControl implements WriteProtocol {
  readonly #draining = new Waiters()
  readonly #closing = new Waiters()
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

  /** @throws what the connection was lost by */
  waitClosed(options?: WaitOptions): Promise<void> {
    checkOptions(options)
    return this.#waitClosed(options)
  }

  async #waitClosed(options: WaitOptions | undefined): Promise<void> {
    if (!this.#lost) await this.#closing.wait(options)
    else if (this.#error !== null) throw this.#error
  }
}
