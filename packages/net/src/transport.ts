import { detached, type EventLoop, getEventLoop, isCancelled, RuntimeError } from '@tasktree/core'
import { checkOptions } from '@tasktree/core/lowlevel'
import {
  compactCopy,
  type WaitOptions,
  type WriteProtocol,
  WriteTransport,
} from '@tasktree/streams'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { nameOf } from './addresses.ts'
import { withBulkReads } from './bulk-reads.ts'
import { tlsFact } from './extra-info.ts'
import { HeldWrites, refuseUnread } from './start-tls.ts'
import { turnsOfIo } from './io-turns.ts'
import { type BufferedProtocol, checkProtocol, type Protocol } from './protocol.ts'
import { ProtocolCallbacks } from './protocol-callbacks.ts'
import { StreamProtocol } from './stream-protocol.ts'
import { toNetError } from './tls-errors.ts'
import {
  checkCertificate,
  checkTls,
  checkTlsName,
  closedEarly,
  flushed,
  type Handshake,
  handshakeAsClient,
  handshakeAsServer,
  ignoreErrors,
  inHandshakeTime,
  type ShutdownOptions,
  shutdownOf,
  type TlsOptions,
} from './tls.ts'
import { TlsShutdown } from './tls-shutdown.ts'

export interface TransportSetup {
  readonly side: 'client' | 'server'
  /** The name or address that the client has connected to. */
  readonly host?: string | undefined
  /** How to close TLS, for a connection that uses TLS from the start. */
  readonly shutdown?: ShutdownOptions | undefined
  readonly onLost?: ((transport: Transport) => void) | undefined
}

const NONE = Buffer.alloc(0)

/**
 * A connected socket. The protocol writes through the transport, and the transport tells the protocol which bytes
 * arrive and how the connection ends.
 *
 * The invariant: a byte of the socket has one owner at each moment, and the order of bytes, end and error is kept.
 * Before `start()` nothing has read from the socket except a handshake, so the bytes are still in the system. From
 * `start()` on the protocol gets them. Bytes that arrive while a buffered protocol is paused stay in `#unread` until it
 * resumes. `startTls()` passes all unread bytes to TLS. See docs/design/streams.md.
 *
 * @example
 *     const greet = (transport: Transport) => {
 *       transport.write('hello\n')
 *       transport.close() // when all is written
 *     }
 *     await using server = await createServer(() => ({ connectionMade: greet }), '127.0.0.1', 0)
 *     const [reader, writer] = await openConnection('127.0.0.1', server.sockets[0]?.port as number)
 *     console.log(String(await reader.read()).trim()) // hello
 *     writer.close()
 *
 * Source: asyncio.Transport
 */
export class Transport extends WriteTransport {
  #socket: Socket
  readonly #callbacks: ProtocolCallbacks
  readonly #setup: TransportSetup
  readonly #loop: EventLoop
  readonly #peername: unknown
  readonly #sockname: unknown
  readonly #writeProtocol: WriteProtocol
  #isStarted = false
  #isReading = true
  /** Bytes that were received while the protocol was paused, or had begun TLS; null when there are none. */
  #unread: Buffer | null = null
  /**
   * True when the peer ended its side while there were unread bytes. A paused socket may report the end all the same, as
   * a TLS socket of Node does behind its last bytes.
   */
  #hasUnreadEnd = false
  #held: HeldWrites | null = null
  /** The end of TLS; null while the connection does not use TLS. */
  #shutdown: TlsShutdown | null = null
  #error: Error | null = null
  /** The error of the socket as `toNetError` gives it; null before the socket has failed. */
  #failure: Error | null = null

  /** @internal use createConnection or createServer */
  constructor(socket: Socket, protocol: Protocol | BufferedProtocol, setup: TransportSetup) {
    super()
    checkProtocol('a connection', protocol)
    this.#socket = socket
    this.#setup = setup
    this.#loop = getEventLoop()
    this.#callbacks = new ProtocolCallbacks(protocol, this.#loop, (error) => {
      this.#error ??= error
      this.abort()
    })
    if (setup.shutdown !== undefined) {
      this.#shutdown = new TlsShutdown(socket as TLSSocket, setup.side, setup.shutdown)
    }
    // The names are read now, because a closed socket no longer has them.
    this.#peername = nameOf(socket.remoteAddress, socket.remotePort)
    this.#sockname = nameOf(socket.localAddress, socket.localPort)
    // The callbacks must run outside of every task. But a task may call `write` or `startTls`, and Node reports the end of
    // a write in the context of that task.
    this.#writeProtocol = {
      pauseWriting: () => detached(() => this.#callbacks.pauseWriting()),
      resumeWriting: () => detached(() => this.#callbacks.resumeWriting()),
      connectionLost: (error) => detached(() => this.#callbacks.connectionLost(error)),
    }
  }

  /** @internal calls `connectionMade` of the protocol, and begins to read */
  start(): void {
    this.#isStarted = true
    this.#socket = withBulkReads(this.#socket, this.#onBytes)
    const isPaused = this.#socket.isPaused()
    this.#attach()
    this.#callbacks.connectionMade(this)
    if (isPaused && this.#isReading && !this.isClosing()) this.#socket.resume()
    // If the socket has closed before a listener was attached, no 'close' event will come.
    if (this.#socket.closed) this.#loop.callSoon(this.#onClose)
  }

  /** @internal starts a client connection over TLS; the protocol's `connectionMade` is called after the handshake */
  async startOverTls(options: TlsOptions | true, sslShutdownTimeout?: number): Promise<void> {
    const handshake = this.#handshake(NONE, options, undefined, (secure) => {
      this.#secureWith(secure, options, sslShutdownTimeout)
      this.start()
    })
    await inHandshakeTime(options, () => handshakeAsClient(handshake, this.#setup.host))
  }

  /**
   * @internal closes a connection that its creator no longer wants; the protocol is told only if `connectionMade` was
   * called
   */
  giveUp(): void {
    if (this.#isStarted) this.abort()
    else {
      ignoreErrors(this.#socket)
      this.#socket.destroy()
    }
  }

  pauseReading(): void {
    if (!this.#isReading || this.isClosing()) return
    this.#isReading = false
    if (this.#held === null) this.#socket.pause()
  }

  resumeReading(): void {
    if (this.#isReading || this.isClosing()) return
    this.#isReading = true
    if (this.#held !== null) return
    if (this.#unread === null && !this.#hasUnreadEnd) this.#socket.resume()
    else this.#loop.callSoon(this.#deliverUnread)
  }

  isReading(): boolean {
    return this.#isReading && !this.isClosing()
  }

  setProtocol(protocol: Protocol | BufferedProtocol): void {
    checkProtocol('setProtocol', protocol)
    this.#callbacks.protocol = protocol
  }

  getProtocol(): Protocol | BufferedProtocol {
    return this.#callbacks.protocol
  }

  override getExtraInfo(name: string, fallback: unknown = null): unknown {
    switch (name) {
      case 'socket':
        return this.#socket
      case 'peername':
        return this.#peername ?? fallback
      case 'sockname':
        return this.#sockname ?? fallback
      default:
        return tlsFact(this.#socket, name) ?? fallback
    }
  }

  /**
   * Begins TLS on this connection, as a client or as a server, whichever this transport is. Bytes that are already
   * buffered are sent first, without TLS. Bytes that are written during the handshake are sent over TLS. When the
   * handshake fails, or the wait for it is cancelled, the connection is lost.
   *
   * On the server, unread bytes are passed to TLS, because they are the beginning of the handshake. On the client,
   * unread bytes cause a TlsError, because the peer, or an attacker in between, has sent plain bytes that must not be
   * read as if they had come over TLS. A client verifies the certificate for the host that it has connected to, unless
   * the options have another `servername`.
   *
   * @throws {TypeError} when the options are not an object, or a server has no certificate, or a client has no name to
   * verify
   * @throws {RuntimeError} when the connection is closing or uses TLS already, and after `writeEof`
   * @throws {TimeoutError} after the options' `handshakeTimeout`, 60 s by default
   * @throws {CertificateError} when the peer's certificate is not accepted
   * @throws {TlsError} for other errors of TLS
   *
   * Source: asyncio loop.start_tls
   */
  startTls(options: TlsOptions | true = true, wait?: WaitOptions): Promise<void> {
    this.checkTls(options)
    checkOptions(wait)
    return this.#startTls(options, wait)
  }

  /** @internal checks the options of `startTls` before anything is sent */
  checkTls(options: TlsOptions | true = true): void {
    checkTls(options, this.#setup.side)
    if (this.#setup.side === 'client') checkTlsName(options, this.#setup.host)
    else checkCertificate(options as TlsOptions)
  }

  async #startTls(options: TlsOptions | true, wait: WaitOptions | undefined): Promise<void> {
    if (this.isClosing()) throw new RuntimeError('startTls() of a closed connection')
    if (this.#socket instanceof TLSSocket) {
      throw new RuntimeError('startTls() of a connection that is under TLS already')
    }
    if (this.#held !== null) throw new RuntimeError('startTls() is under way already')
    if (this.#socket.writableEnded) throw new RuntimeError('startTls() after writeEof()')
    const plain = this.#socket
    this.#held = new HeldWrites()
    this.#detach()
    ignoreErrors(plain)
    plain.pause()
    try {
      await inHandshakeTime(options, async () => {
        await flushed(plain, wait?.signal)
        const early = this.#takeUnread(plain)
        const adopt = (secure: TLSSocket): void => {
          this.#secureWith(secure, options)
          this.#attach()
          if (!this.#isReading) secure.pause()
          const held = this.#held
          this.#held = null
          held?.sendTo(secure)
        }
        const handshake = this.#handshake(early, options, wait?.signal, adopt)
        if (this.#setup.side === 'server') await handshakeAsServer(handshake)
        else {
          await handshakeAsClient(handshake, this.#setup.host)
          // A caller that aborts the connection at once would otherwise cut off the client's last handshake message.
          await turnsOfIo(2)
        }
      })
    } catch (error) {
      this.#held = null
      // The handshake may have succeeded in the same turn in which the wait was cancelled. Then the TLS socket is
      // attached and must be removed.
      this.#detach()
      ignoreErrors(this.#socket)
      this.#socket.destroy()
      plain.destroy()
      const reason = toNetError(error)
      this.lost(isCancelled(reason) || this.isClosing() ? null : reason)
      this.#setup.onLost?.(this)
      throw reason
    }
  }

  #handshake(
    early: Buffer,
    options: TlsOptions | true,
    signal: AbortSignal | undefined,
    adopt: (secure: TLSSocket) => void,
  ): Handshake {
    return { plain: this.#socket, options, early, signal, adopt }
  }

  #secureWith(secure: TLSSocket, options: TlsOptions | true, sslShutdownTimeout?: number): void {
    this.#socket = secure
    this.#shutdown = new TlsShutdown(
      secure,
      this.#setup.side,
      shutdownOf(options, sslShutdownTimeout),
    )
  }

  /** Removes and returns the bytes that were received and not read. On a client such bytes are an error. */
  #takeUnread(plain: Socket): Buffer {
    if (plain.readableEnded || plain.destroyed) throw closedEarly()
    const { protocol } = this.#callbacks
    const fromReader = protocol instanceof StreamProtocol ? protocol.takeUnread() : NONE
    const early = Buffer.concat([fromReader, this.#unread ?? NONE])
    this.#unread = null
    if (this.#setup.side === 'server') return early
    refuseUnread(early.length + plain.readableLength)
    return NONE
  }

  protected override buffered(): number {
    return this.#socket.writableLength + (this.#held?.bytes ?? 0)
  }

  protected override send(data: Uint8Array | string, flushed: (() => void) | undefined): void {
    if (this.#held === null) this.#socket.write(data, flushed)
    else this.#held.add(data, flushed)
  }

  protected override whenFlushed(callback: () => void): void {
    if (this.#held === null) this.whenNodeFlushed(this.#socket, callback)
    else this.#held.add(NONE, callback)
  }

  protected override end(): void {
    if (this.#held === null) this.#socket.end()
    else this.#held.end()
  }

  protected override finish(): void {
    const socket = this.#socket
    if (this.#held !== null) {
      // During a handshake no bytes can be sent. Destroying the socket makes `startTls` fail.
      socket.destroy()
      return
    }
    socket.off('data', this.#onData)
    this.#unread = null
    // A paused socket would not notice the peer's end, which closing TLS needs.
    socket.resume()
    if (this.#shutdown === null || socket.destroyed) socket.destroySoon()
    else {
      this.#shutdown.begin(this.#loop, (error) => {
        this.#error ??= error
      })
    }
  }

  protected override destroy(): void {
    this.#socket.destroy()
  }

  protected override writeProtocol(): WriteProtocol {
    return this.#writeProtocol
  }

  protected override sinkHasEnded(): boolean {
    return this.#held === null && (this.#socket.destroyed || this.#socket.writableEnded)
  }

  protected override sinkFailure(): Error | null {
    if (this.#error !== null) return this.#error
    const { errored } = this.#socket
    return errored == null ? null : this.#fail(errored)
  }

  /** Keeps the error of the socket, so that all drains throw the same object. */
  #fail(error: Error): Error {
    return (this.#failure ??= toNetError(error))
  }

  #attach(): void {
    this.#socket
      .on('data', this.#onData)
      .on('end', this.#onEnd)
      .on('error', this.#onError)
      .on('close', this.#onClose)
  }

  #detach(): void {
    this.#socket
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('error', this.#onError)
      .off('close', this.#onClose)
  }

  /**
   * Handles received bytes. Returns whether the socket should read on. If `lent` is true, the next read may overwrite the
   * bytes, or their buffer is much larger than they are, so bytes that are kept must be copied. While the transport is
   * closing, bytes are read and dropped.
   */
  readonly #onBytes = (data: Buffer, lent: boolean): boolean => {
    if (this.isClosing()) return true
    if (!this.#callbacks.isBuffered) this.#onData(lent ? compactCopy(data) : data)
    else {
      // A buffered protocol copies the bytes into its own buffer before `#onData` returns.
      this.#onData(data)
      if (lent && this.#unread !== null) this.#unread = compactCopy(this.#unread)
    }
    return this.#isReading || this.isClosing()
  }

  readonly #onData = (data: Buffer): void => {
    if (this.#unread !== null) this.#unread = Buffer.concat([this.#unread, data])
    else if (this.#callbacks.isBuffered) this.#fill(data)
    else this.#callbacks.dataReceived(data)
  }

  readonly #deliverUnread = (): void => {
    if (!this.isReading() || this.#held !== null) return
    const unread = this.#unread
    this.#unread = null
    if (unread !== null) this.#onData(unread)
    // The protocol may have paused again, closed, or begun TLS.
    if (!this.isReading() || this.#held !== null) return
    this.#socket.resume()
    if (this.#hasUnreadEnd) this.#onEnd()
  }

  /** Copies `data` into the protocol's buffers, until the protocol pauses, closes, begins TLS or is replaced. */
  #fill(data: Buffer): void {
    let rest = data
    while (rest.length > 0 && !this.isClosing()) {
      if (!this.#isReading || this.#held !== null) {
        this.#unread = rest
        return
      }
      if (!this.#callbacks.isBuffered) {
        this.#callbacks.dataReceived(compactCopy(rest))
        return
      }
      rest = rest.subarray(this.#callbacks.fillBuffer(rest))
    }
  }

  readonly #onEnd = (): void => {
    if (this.isClosing()) return
    this.#hasUnreadEnd = this.#unread !== null
    if (this.#hasUnreadEnd) return
    this.#callbacks.eofReceived(() => this.close())
  }

  readonly #onError = (error: Error): void => {
    this.#error ??= this.#fail(error)
    this.closing()
    // After bytes that are not TLS, Node leaves the socket open, although it can no longer be used.
    this.#socket.destroy()
  }

  readonly #onClose = (): void => {
    this.#shutdown?.[Symbol.dispose]()
    const { errored } = this.#socket
    // If the 'error' event came before a listener was attached, only the socket still has the error.
    if (this.#error === null && errored !== null && !this.isClosing()) {
      this.#error = this.#fail(errored)
    }
    this.lost(this.#error)
    this.#setup.onLost?.(this)
  }
}
