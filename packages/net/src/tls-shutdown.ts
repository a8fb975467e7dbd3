import { type EventLoop, TimeoutError } from '@tasktree/core'
import type { TLSSocket } from 'node:tls'
import { isNode } from './bulk-reads.ts'
import { after, type ShutdownOptions } from './tls.ts'

/**
 * The end of one TLS connection.
 *
 * The problem: in TLS 1.3 a server sends its session tickets after the handshake, when it has read the client's last
 * message. If a client has closed its socket by then, the system answers the tickets with a reset. The reset drops all
 * bytes that the server has not received yet, although the client has sent them without an error.
 *
 * The idea: such a client ends its side, and closes its socket when the first ticket or the end of the server has come.
 */
export class TlsShutdown implements Disposable {
  readonly #socket: TLSSocket
  readonly #options: ShutdownOptions
  #expectsTicket: boolean
  #timer: Disposable | null = null

  /** `socket` has completed its handshake. */
  constructor(socket: TLSSocket, side: 'client' | 'server', options: ShutdownOptions) {
    this.#socket = socket
    this.#options = options
    // Other runtimes may not tell when a ticket has come.
    this.#expectsTicket = isNode && side === 'client' && socket.getProtocol() === 'TLSv1.3'
    if (this.#expectsTicket) {
      socket.once('session', () => {
        this.#expectsTicket = false
      })
    }
  }

  /**
   * Sends the buffered bytes and the end message of TLS, and then closes the socket. Before that it waits for the first
   * ticket of the server, or, if the option `sslShutdownTimeout` is given, for the end of the peer. After the timeout the
   * socket is destroyed, and `onTimeout` is called.
   */
  begin(loop: EventLoop, onTimeout: (error: TimeoutError) => void): void {
    const socket = this.#socket
    const { timeout: ms, waitsForPeer } = this.#options
    this.#timer = after(loop, ms, () => {
      onTimeout(new TimeoutError(`the end of TLS took longer than ${ms} ms`))
      socket.destroy()
    })
    if (socket.readableEnded || !(waitsForPeer || this.#expectsTicket)) {
      socket.destroySoon()
      return
    }
    socket.once('end', () => socket.destroySoon())
    if (!waitsForPeer) socket.once('session', () => socket.destroySoon())
    socket.end()
  }

  /** Cancels the timeout. Called when the socket has closed. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
  }
}
