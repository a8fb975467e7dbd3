import { checkOptions } from '@tasktree/core/lowlevel'
import { ConnectionResetError } from './os-error.ts'
import { peerOf } from './peer-of.ts'
import { type WaitOptions, EventWaiters } from './event-waiters.ts'

/** The calls by which a transport reports on its writing side. */
export interface WriteProtocol {
  pauseWriting?(): void
  resumeWriting?(): void
  connectionLost?(error: Error | null): void
}

/** What `why` says of a transport. */
type Watched = { getWriteBufferSize?: () => number }

/** The waits on a transport: until its buffer is drained, and until it has closed. The end of the connection ends both. */
export class FlowControl implements WriteProtocol {
  readonly #draining = new EventWaiters(() => ({
    kind: 'drain',
    label: `its peer to take what was written${this.#to()}`,
    note: this.#amount(),
  }))
  readonly #closing = new EventWaiters(() => ({
    kind: 'close',
    label: `the end of a stream${this.#to()}`,
    note: this.#amount(),
  }))
  #transport: Watched | null = null
  #paused = false
  #lost = false
  #error: Error | null = null

  /** @internal what it reports on, for `why` */
  watch(transport: object): void {
    this.#transport = transport
  }

  #to(): string {
    const peer = peerOf(this.#transport)
    return peer === null ? '' : ` to ${peer}`
  }

  #amount(): string {
    return `${this.#transport?.getWriteBufferSize?.() ?? 0} bytes in the buffer`
  }

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
