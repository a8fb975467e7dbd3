import { RuntimeError } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import type { Transport } from './transport.ts'

/**
 * The callbacks of one connection. Its Transport calls them outside of every task: `pauseWriting` in the call of `write`,
 * and usually the others in turns of the loop. A callback may be an async function; the transport does not wait for it.
 * When a callback throws or its promise rejects, the error goes to the loop's exception handler, and the connection is
 * aborted.
 *
 * Source: asyncio.Protocol
 */
export interface Protocol {
  /** Called once, before every other callback. */
  connectionMade?(transport: Transport): void
  dataReceived?(data: Buffer): void
  /**
   * Called when the peer has ended its side and will send no more. Unless the callback returns true, the transport
   * closes.
   */
  eofReceived?(): boolean | void
  /**
   * Called once, after every other callback. `error` is null after a call of `abort`, after the peer's end, and after a
   * close during which nothing failed. If a callback has thrown, `error` is the error that the callback has thrown.
   */
  connectionLost?(error: Error | null): void
  /** Called when more bytes wait to be written than the high-water mark allows. The protocol should stop writing. */
  pauseWriting?(): void
  /** Called when the waiting bytes have fallen to the low-water mark, even after `writeEof`. */
  resumeWriting?(): void
}

/**
 * A protocol that provides the buffers for received bytes. If it pauses reading in `bufferUpdated`, the transport asks for
 * no further buffer, and keeps the remaining bytes until the protocol resumes reading. If it calls `startTls` there, the
 * remaining bytes belong to TLS. If it closes the transport there, the remaining bytes are dropped.
 *
 * Source: asyncio.BufferedProtocol
 */
export interface BufferedProtocol extends Omit<Protocol, 'dataReceived'> {
  /** Returns a buffer for received bytes, which must not have length 0. `sizeHint` is the number of received bytes. */
  getBuffer(sizeHint: number): Uint8Array
  /** Called after the first `n` bytes of the last buffer were filled. */
  bufferUpdated(n: number): void
}

/** Checks a protocol. @throws {TypeError} when `protocol` is not an object; the message names `call` */
export function checkProtocol(call: string, protocol: unknown): void {
  if (typeof protocol === 'object' && protocol !== null) return
  throw new TypeError(`${call} needs a protocol, got ${describe(protocol)}`)
}

export function isBuffered(protocol: Protocol | BufferedProtocol): protocol is BufferedProtocol {
  return 'getBuffer' in protocol
}

/** Copies as many bytes of `data` as fit into the next buffer of `protocol`. @returns the number of copied bytes */
export function copyIntoBuffer(protocol: BufferedProtocol, data: Buffer): number {
  const into: unknown = protocol.getBuffer(data.length)
  if (!(into instanceof Uint8Array)) {
    throw new TypeError(`getBuffer() must return a Uint8Array, got ${describe(into)}`)
  }
  if (into.length === 0) throw new RuntimeError('getBuffer() returned an empty buffer')
  const n = Math.min(into.length, data.length)
  into.set(data.subarray(0, n))
  return n
}
