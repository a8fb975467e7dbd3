import { type EventLoop, TimeoutError } from '@tasktree/core'
import { OSError } from '@tasktree/streams'
import type { Socket } from 'node:net'
import { nameOf } from './addresses.ts'
import { after } from './tls.ts'

/** The TLS handshakes of a server, and the sockets of its TLS connections. */
export class TlsHandshakes {
  readonly #loop: EventLoop
  readonly #onSocketClosed: () => void
  /** The plain sockets of TLS connections, from the beginning of the handshake to the end of the connection. */
  readonly #plain = new Set<Socket>()
  /** The sockets whose handshake has not ended, each with the timer of the handshake. */
  readonly #timers = new Map<Socket, Disposable>()

  /** `onSocketClosed` is called after each end of a connection. */
  constructor(loop: EventLoop, onSocketClosed: () => void) {
    this.#loop = loop
    this.#onSocketClosed = onSocketClosed
  }

  /** How many handshakes have begun and not ended. */
  get running(): number {
    return this.#timers.size
  }

  /** How many sockets a handshake has begun on. A socket is counted until it is closed. */
  get sockets(): number {
    return this.#plain.size
  }

  /** Called when the handshake of `socket` begins. If it takes longer than `ms` milliseconds, it fails. */
  begin(socket: Socket, ms: number): void {
    const name = nameOf(socket.remoteAddress, socket.remotePort)
    const peer = name === undefined ? 'a Unix socket' : name.join(':')
    const timer = after(this.#loop, ms, () => {
      socket.destroy()
      this.failed(new TimeoutError(`no TLS handshake of ${peer} after ${ms} ms`))
    })
    this.#plain.add(socket)
    this.#timers.set(socket, timer)
    socket.once('close', () => {
      this.#end(socket)
      this.#plain.delete(socket)
      this.#onSocketClosed()
    })
  }

  /**
   * Called when a handshake has succeeded. `plain` is null if the runtime does not tell which plain socket belongs
   * to a TLS socket. Then the handshake that began first is taken.
   */
  succeeded(plain: Socket | null): void {
    this.#end(plain ?? this.#timers.keys().next().value)
  }

  #end(socket: Socket | undefined): void {
    if (socket === undefined) return
    this.#timers.get(socket)?.[Symbol.dispose]()
    this.#timers.delete(socket)
  }

  /**
   * Called when a TLS handshake has failed. A failure of the peer is not an error of the server, so it is logged in
   * debug mode only, as in asyncio.
   */
  failed(error: Error): void {
    if (!(error instanceof OSError || error instanceof TimeoutError)) {
      // This error comes from a callback in the options, such as SNICallback.
      this.#loop.callExceptionHandler({
        message: 'a callback of the TLS options has failed',
        exception: error,
      })
    } else if (this.#loop.getDebug()) {
      process.emitWarning(`a TLS handshake has failed: ${error.message}`, 'TasktreeWarning')
    }
  }

  /** Ends the handshakes that have not ended. */
  abort(): void {
    for (const socket of this.#timers.keys()) socket.destroy()
  }

  /** Destroys the sockets of all TLS connections, even those whose handshake has ended. */
  destroySockets(): void {
    for (const socket of this.#plain) socket.destroy()
  }
}
