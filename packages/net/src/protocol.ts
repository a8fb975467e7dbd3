import type { Transport } from './transport.ts'

/**
 * Callbacks of one connection, called by its Transport in turns of the loop, never of a task. What one
 * throws goes to the loop's exception handler and ends the connection.
 *
 * Source: asyncio.Protocol
 */
export interface Protocol {
  /** Once, first. */
  connectionMade?(transport: Transport): void
  dataReceived?(data: Buffer): void
  /** The peer will send no more. Unless it returns true the transport closes itself. */
  eofReceived?(): boolean | void
  /** Once, last: with null after a close, an abort or the peer's end. */
  connectionLost?(error: Error | null): void
  /** More than the high-water mark is buffered for writing. */
  pauseWriting?(): void
  resumeWriting?(): void
}

/** A protocol that receives into buffers of its own. Source: asyncio.BufferedProtocol */
export interface BufferedProtocol extends Omit<Protocol, 'dataReceived'> {
  /** Where to put received bytes; not empty. `sizeHint` is how many there are, or -1. */
  getBuffer(sizeHint: number): Uint8Array
  /** The first `n` bytes of the last buffer were filled. */
  bufferUpdated(n: number): void
}

export function isBuffered(protocol: Protocol | BufferedProtocol): protocol is BufferedProtocol {
  return 'getBuffer' in protocol
}
