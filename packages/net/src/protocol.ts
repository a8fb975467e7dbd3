import { RuntimeError } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import type { Transport } from './transport.ts'

/**
 * Callbacks of one connection, called by its Transport in turns of the loop, never of a task. A callback may be an
 * async function; the transport does not wait for it. When a callback throws or its promise rejects, the error goes to
 * the loop's exception handler, and the connection ends with it.
 *
 * Source: asyncio.Protocol
 */
export interface Protocol {
  /** Once, first. */
  connectionMade?(transport: Transport): void
  dataReceived?(data: Buffer): void
  /** The peer will send no more. Unless it returns true the transport closes itself. */
  eofReceived?(): boolean | void
  /** Once, last; `error` is null after a close, an abort or the peer's end. */
  connectionLost?(error: Error | null): void
  /** Called when more bytes than the high-water mark wait to be written. The protocol should stop writing. */
  pauseWriting?(): void
  /** The buffer is down to the low-water mark, also after `writeEof`. */
  resumeWriting?(): void
}

/**
 * A protocol that receives into buffers of its own. When it pauses reading or closes in `bufferUpdated`, it is asked for
 * no further buffer; the transport keeps the bytes until the protocol resumes.
 *
 * Source: asyncio.BufferedProtocol
 */
export interface BufferedProtocol extends Omit<Protocol, 'dataReceived'> {
  /** Returns where to put received bytes, which must not be empty. `sizeHint` is how many bytes there are, or -1. */
  getBuffer(sizeHint: number): Uint8Array
  /** The first `n` bytes of the last buffer were filled. */
  bufferUpdated(n: number): void
}

/** @throws {TypeError} when `protocol` is not an object, for `call` that takes or makes it */
export function checkProtocol(call: string, protocol: unknown): void {
  if (typeof protocol === 'object' && protocol !== null) return
  throw new TypeError(`${call} needs a protocol, got ${describe(protocol)}`)
}

export function isBuffered(protocol: Protocol | BufferedProtocol): protocol is BufferedProtocol {
  return 'getBuffer' in protocol
}

/** Copies as much of `data` as the next buffer of `protocol` takes. @returns the number of bytes */
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
