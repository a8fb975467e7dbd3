import type { Socket } from 'node:net'
import { TlsError } from './tls-errors.ts'

/**
 * Throws if a client that begins TLS has received `length` bytes which it has not read. They came without encryption,
 * so another machine on the way may have written them. Read after the handshake, they would look as if they had come
 * over TLS.
 * @throws {TlsError} if `length` is more than 0
 */
export function refuseUnread(length: number): void {
  if (length === 0) return
  throw new TlsError(
    `startTls() of a client that has ${length} unread bytes: they came before TLS, and must not be read as if they had come over it. Read the peer's whole answer first`,
    { code: 'ERR_TLS_UNREAD_PLAINTEXT' },
  )
}

/** Keeps the writes that come during the handshake of `startTls`, and sends them over TLS after the handshake. */
export class HeldWrites {
  readonly #writes: [data: Uint8Array, flushed: (() => void) | undefined][] = []
  #isEnded = false
  /** How many bytes are being kept. */
  bytes = 0

  add(data: Uint8Array | string, flushed: (() => void) | undefined): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    this.#writes.push([bytes, flushed])
    this.bytes += bytes.length
  }

  /** Ends the writing side after the bytes that are being kept. */
  end(): void {
    this.#isEnded = true
  }

  sendTo(socket: Socket): void {
    for (const [data, flushed] of this.#writes) socket.write(data, flushed)
    if (this.#isEnded) socket.end()
  }
}
