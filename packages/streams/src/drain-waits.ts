import { type Future, isCancelled } from '@tasktree/core'
import {
  cancelOnAbort,
  checkOptions,
  DetailedFuture,
  type WaitDetails,
} from '@tasktree/core/lowlevel'
import { ConnectionResetError, isOfConnection } from './os-error.ts'
import { peerAddress } from './peer-address.ts'
import type { WaitOptions } from './wait-options.ts'
import type { WriteProtocol } from './write-transport.ts'

/**
 * A transport that can tell how many bytes its buffer holds. `why()` of core, which explains what a task waits for,
 * shows this number.
 */
type Watched = { getWriteBufferSize?: () => number }

/**
 * The futures of callers that wait until the buffer of a transport has drained, or until the transport has closed. The
 * end of the connection ends both kinds of waits.
 *
 * @example
 *     const flow = new FlowControl()
 *     flow.pauseWriting() // the transport's buffer is full
 *     setTimeout(() => flow.resumeWriting(), 5)
 *     await flow.drain()
 *     console.log(flow.paused) // false
 */
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

  /** @internal sets the transport of this connection; `why()` of core shows how many bytes its buffer holds */
  watch(transport: object): void {
    this.#transport = transport
  }

  #to(): string {
    const peer = peerAddress(this.#transport)
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
    const failure = withoutCancel(error)
    this.#error = failure
    this.#draining.wake(failure)
    this.#closing.wake(failure)
  }

  /**
   * If the transport has called `pauseWriting`, waits until it calls `resumeWriting`.
   *
   * @throws {ConnectionResetError} when the connection had ended before the call, without an error or with an error that
   * says only that the connection is lost
   * @throws any other error with which the connection had ended before the call, and every error with which it ends during
   * the wait
   */
  drain(options?: WaitOptions): Promise<void> {
    checkOptions(options)
    return this.#drain(options)
  }

  async #drain(options: WaitOptions | undefined): Promise<void> {
    if (this.#lost) throw lossOf(this.#error)
    if (this.#paused) await this.#draining.wait(options)
  }

  /** Waits until the connection has ended. @throws the error with which the connection was lost */
  waitClosed(options?: WaitOptions): Promise<void> {
    checkOptions(options)
    return this.#waitClosed(options)
  }

  async #waitClosed(options: WaitOptions | undefined): Promise<void> {
    if (!this.#lost) await this.#closing.wait(options)
    else if (this.#error !== null) throw this.#error
  }
}

/** Returns the error that a drain throws after the stream has failed with `error`, or has ended if `error` is null. */
export function lossOf(error: Error | null): Error {
  const failure = withoutCancel(error)
  if (failure !== null && !isOfConnection(failure)) return failure
  return new ConnectionResetError('the connection is lost', { cause: failure ?? undefined })
}

/**
 * The written bytes may go to other code of this program, such as a web stream, and that code may have been cancelled. The
 * writer then gets a ConnectionResetError. A CancelledError would look like a cancel of the writer's own task.
 */
function withoutCancel(error: Error | null): Error | null {
  if (!isCancelled(error)) return error
  return new ConnectionResetError('the code behind the stream was cancelled', { cause: error })
}

/** The waiters for one event. Each has a separate future, so that cancelling one wait does not affect the others. */
class EventWaiters {
  readonly #futures = new Set<Future<void>>()
  readonly #details: () => WaitDetails

  /** @param details a function that returns the text that `why()` of core shows for these waits */
  constructor(details: () => WaitDetails) {
    this.#details = details
  }

  async wait(options?: WaitOptions): Promise<void> {
    const future = new DetailedFuture<void>(this.#details)
    this.#futures.add(future)
    try {
      await cancelOnAbort(future, options?.signal)
    } finally {
      this.#futures.delete(future)
    }
  }

  /** Ends every wait. With `error`, the waits fail with that error. */
  wake(error: Error | null = null): void {
    for (const future of this.#futures) {
      if (future.done()) continue
      if (error === null) future.setResult()
      else future.setException(error)
    }
    this.#futures.clear()
  }
}
