import { type EventLoop, RuntimeError } from '@tasktree/core'
import { describe, isThenable } from '@tasktree/core/lowlevel'
import { type BufferedProtocol, copyIntoBuffer, isBuffered, type Protocol } from './protocol.ts'
import type { Transport } from './transport.ts'

/**
 * Calls the protocol of a connection. If a callback throws, or is an async function that rejects, the error is reported
 * and the connection is aborted.
 */
export class ProtocolCallbacks {
  #protocol: Protocol | BufferedProtocol
  #isBuffered: boolean
  readonly #loop: EventLoop
  readonly #abort: (error: Error) => void

  /** @param abort a function that aborts the connection because of an error of the protocol */
  constructor(
    protocol: Protocol | BufferedProtocol,
    loop: EventLoop,
    abort: (error: Error) => void,
  ) {
    this.#protocol = protocol
    this.#isBuffered = isBuffered(protocol)
    this.#loop = loop
    this.#abort = abort
  }

  get protocol(): Protocol | BufferedProtocol {
    return this.#protocol
  }

  set protocol(protocol: Protocol | BufferedProtocol) {
    this.#protocol = protocol
    this.#isBuffered = isBuffered(protocol)
  }

  /** Whether the protocol has buffers of its own, into which received bytes are copied. */
  get isBuffered(): boolean {
    return this.#isBuffered
  }

  connectionMade(transport: Transport): void {
    this.#call('connectionMade', () => this.#protocol.connectionMade?.(transport))
  }

  pauseWriting(): void {
    this.#call('pauseWriting', () => this.#protocol.pauseWriting?.())
  }

  resumeWriting(): void {
    this.#call('resumeWriting', () => this.#protocol.resumeWriting?.())
  }

  dataReceived(data: Buffer): void {
    try {
      const result: unknown = (this.#protocol as Protocol).dataReceived?.(data)
      if (result !== undefined) this.#watch('dataReceived', result)
    } catch (error) {
      this.#fail('dataReceived', error)
    }
  }

  /**
   * Copies bytes into one buffer of the protocol. Returns how many bytes were copied. If the protocol throws, returns the
   * number of all bytes, so that the caller does not try again.
   */
  fillBuffer(data: Buffer): number {
    const protocol = this.#protocol as BufferedProtocol
    let what = 'getBuffer'
    try {
      const n = copyIntoBuffer(protocol, data)
      what = 'bufferUpdated'
      const result: unknown = protocol.bufferUpdated(n)
      if (result !== undefined) this.#watch('bufferUpdated', result)
      return n
    } catch (error) {
      this.#fail(what, error)
      return data.length
    }
  }

  /**
   * Tells the protocol that the peer has ended its side. Calls `close`, unless the protocol keeps the connection open by
   * returning true.
   */
  eofReceived(close: () => void): void {
    this.#call('eofReceived', () => {
      const result: unknown = this.#protocol.eofReceived?.()
      if (result !== true) close()
      return result
    })
  }

  /**
   * Tells the protocol that the connection has ended, with `error` if it was lost. An error that the callback throws is
   * only reported, because there is no connection left to abort.
   */
  connectionLost(error: Error | null): void {
    try {
      const result: unknown = this.#protocol.connectionLost?.(error)
      if (isThenable(result)) {
        const report = (reason: unknown): void => this.#report('connectionLost', reason)
        // oxlint-disable-next-line promise/no-promise-in-callback -- `result` is what the protocol has returned
        result.then(undefined, report)
      }
    } catch (reason) {
      this.#report('connectionLost', reason)
    }
  }

  #call(what: string, callback: () => unknown): void {
    try {
      this.#watch(what, callback())
    } catch (error) {
      this.#fail(what, error)
    }
  }

  /**
   * Handles the result of a callback. It is a promise if the callback is an async function, whose rejection counts as a
   * throw.
   */
  #watch(what: string, result: unknown): void {
    if (isThenable(result)) result.then(undefined, (error: unknown) => this.#fail(what, error))
  }

  /** Called when a callback of the protocol has thrown: reports the error and aborts the connection. */
  #fail(what: string, error: unknown): void {
    this.#report(what, error)
    this.#abort(toError(error))
  }

  #report(what: string, exception: unknown): void {
    this.#loop.callExceptionHandler({ message: `${what}() of a protocol has thrown`, exception })
  }
}

/** Returns `thrown` as an error. The value may be any value, even one that has no text or that throws when it is read. */
function toError(thrown: unknown): Error {
  try {
    return thrown instanceof Error ? thrown : new RuntimeError(String(thrown))
  } catch {
    return new RuntimeError(`a protocol has thrown ${describe(thrown)}`)
  }
}
