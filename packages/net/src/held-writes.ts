import type { Socket } from 'node:net'

/** Writes that came during the handshake of `startTls`. They are sent over TLS when it has ended. */
export class HeldWrites {
  readonly #writes: [data: Uint8Array, flushed: (() => void) | undefined][] = []
  #isEnded = false
  /** How many bytes are held. */
  bytes = 0

  add(data: Uint8Array | string, flushed: (() => void) | undefined): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    this.#writes.push([bytes, flushed])
    this.bytes += bytes.length
  }

  /** The writing side ends after the held bytes. */
  end(): void {
    this.#isEnded = true
  }

  sendTo(socket: Socket): void {
    for (const [data, flushed] of this.#writes) socket.write(data, flushed)
    if (this.#isEnded) socket.end()
  }
}
