import type { Socket } from 'node:net'

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
