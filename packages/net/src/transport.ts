import { type EventLoop, getEventLoop, isCancelled, RuntimeError } from '@tasktree/core'
import { checkOptions } from '@tasktree/core/lowlevel'
import { toOSError, type WaitOptions, WriteTransport } from '@tasktree/streams'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { withBulkReads } from './bulk-reads.ts'
import { type BufferedProtocol, isBuffered, type Protocol } from './protocol.ts'
import { checkTls, flushed, type TlsOptions, upgradeClient, upgradeServer } from './tls.ts'

type Side = 'client' | 'server'

/**
 * A connected socket: writes for its protocol, and tells it what arrives and how it ends.
 *
 * Source: asyncio.Transport
 */
export class Transport extends WriteTransport {
  #socket: Socket
  #protocol: Protocol | BufferedProtocol
  #buffered: boolean
  readonly #side: Side
  readonly #loop: EventLoop
  readonly #peername: unknown
  readonly #sockname: unknown
  readonly #onLost: ((transport: Transport) => void) | undefined
  #isReading = true
  #error: Error | null = null

  /** @internal made by createConnection and createServer */
  constructor(
    socket: Socket,
    protocol: Protocol | BufferedProtocol,
    side: Side,
    onLost?: (transport: Transport) => void,
  ) {
    super()
    this.#protocol = protocol
    this.#buffered = isBuffered(protocol)
    this.#side = side
    this.#loop = getEventLoop()
    this.#onLost = onLost
    // Asked now: a closed socket no longer knows.
    this.#peername = nameOf(socket.remoteAddress, socket.remotePort)
    this.#sockname = nameOf(socket.localAddress, socket.localPort)
    this.#socket = withBulkReads(socket, this.#onBytes)
  }

  /** @internal tells the protocol that the connection is made, and begins to read */
  start(): void {
    this.#attach()
    this.#call('connectionMade', () => this.#protocol.connectionMade?.(this))
    // Gone before anybody listened: it will not say so again.
    if (this.#socket.closed) this.#loop.callSoon(this.#onClose)
  }

  pauseReading(): void {
    if (!this.#isReading || this.isClosing()) return
    this.#isReading = false
    this.#socket.pause()
  }

  resumeReading(): void {
    if (this.#isReading || this.isClosing()) return
    this.#isReading = true
    this.#socket.resume()
  }

  isReading(): boolean {
    return this.#isReading && !this.isClosing()
  }

  setProtocol(protocol: Protocol | BufferedProtocol): void {
    this.#protocol = protocol
    this.#buffered = isBuffered(protocol)
  }

  getProtocol(): Protocol | BufferedProtocol {
    return this.#protocol
  }

  override getExtraInfo(name: string, fallback: unknown = null): unknown {
    return this.#fact(name) ?? fallback
  }

  /**
   * Puts the connection under TLS, as the side it was made on; what is buffered goes before. When the
   * handshake fails, or the wait for it is cancelled, the connection is lost.
   *
   * @throws {TypeError} when the options are none, or the server's have no certificate
   * @throws {RuntimeError} when it is closing, or under TLS already
   * @throws {TimeoutError} after the options' `handshakeTimeout`, 60 s by default
   *
   * Source: asyncio loop.start_tls
   */
  startTls(options: TlsOptions | true = true, wait?: WaitOptions): Promise<void> {
    this.checkTls(options)
    checkOptions(wait)
    return this.#startTls(options, wait)
  }

  /** @internal */
  checkTls(options: TlsOptions | true = true): void {
    checkTls(options, this.#side)
  }

  async #startTls(options: TlsOptions | true, wait: WaitOptions | undefined): Promise<void> {
    if (this.isClosing()) throw new RuntimeError('startTls() of a closed connection')
    if (this.#socket instanceof TLSSocket) {
      throw new RuntimeError('startTls() of a connection that is under TLS already')
    }
    const plain = this.#socket
    this.#detach()
    plain.pause()
    try {
      await flushed(plain, wait?.signal)
      this.#socket = await (this.#side === 'server'
        ? upgradeServer(plain, options, wait?.signal)
        : upgradeClient(plain, options, wait?.signal))
    } catch (error) {
      plain.on('error', () => {}).destroy()
      const reason = toOSError(error)
      this.lost(isCancelled(reason) ? null : reason)
      this.#onLost?.(this)
      throw reason
    }
    this.#attach()
    if (!this.#isReading) this.#socket.pause()
  }

  protected override buffered(): number {
    return this.#socket.writableLength
  }

  protected override send(data: Uint8Array | string, flushed: (() => void) | undefined): void {
    this.#socket.write(data, flushed)
  }

  protected override whenFlushed(callback: () => void): void {
    if (this.#socket.writableNeedDrain) this.#socket.once('drain', callback)
    else if (this.#socket.writable) this.#socket.write('', callback)
  }

  protected override end(): void {
    this.#socket.end()
  }

  protected override finish(): void {
    this.#socket.off('data', this.#onData)
    // Once paused it would not see the peer's end, and TLS needs it for its own.
    this.#socket.resume()
    this.#socket.destroySoon()
  }

  protected override destroy(): void {
    this.#socket.destroy()
  }

  protected override writeProtocol(): Protocol {
    return this.#protocol
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

  /** Whether to go on reading. Once it is closing the rest is read, and dropped. */
  readonly #onBytes = (data: Buffer, lent: boolean): boolean => {
    if (this.isClosing()) return true
    // A buffered protocol copies the bytes into its own buffer before this returns.
    this.#onData(lent && !this.#buffered ? Buffer.from(data) : data)
    return this.#isReading || this.isClosing()
  }

  readonly #onData = (data: Buffer): void => {
    try {
      if (this.#buffered) this.#fill(data)
      else (this.#protocol as Protocol).dataReceived?.(data)
    } catch (error) {
      this.#fail('dataReceived', error)
    }
  }

  #fill(data: Buffer): void {
    const protocol = this.#protocol as BufferedProtocol
    let done = 0
    while (done < data.length) {
      const into = protocol.getBuffer(data.length - done)
      if (into.length === 0) throw new RuntimeError('getBuffer() returned an empty buffer')
      const n = Math.min(into.length, data.length - done)
      into.set(data.subarray(done, done + n))
      protocol.bufferUpdated(n)
      done += n
    }
  }

  readonly #onEnd = (): void => {
    if (this.isClosing()) return
    this.#call('eofReceived', () => {
      if (this.#protocol.eofReceived?.() !== true) this.close()
    })
  }

  readonly #onError = (error: Error): void => {
    this.#error ??= toOSError(error)
    this.closing()
    // After what is no TLS Node leaves the socket open, though nothing will come of it any more.
    this.#socket.destroy()
  }

  readonly #onClose = (): void => {
    try {
      this.lost(this.#error)
    } catch (error) {
      this.#report('connectionLost', error)
    }
    this.#onLost?.(this)
  }

  #call(what: string, callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.#fail(what, error)
    }
  }

  /** A protocol that throws is no longer served. */
  #fail(what: string, error: unknown): void {
    this.#report(what, error)
    this.#error ??= error instanceof Error ? error : new RuntimeError(String(error))
    this.abort()
  }

  #report(what: string, exception: unknown): void {
    this.#loop.callExceptionHandler({ message: `${what}() of a protocol has thrown`, exception })
  }

  #fact(name: string): unknown {
    const socket = this.#socket
    switch (name) {
      case 'socket':
        return socket
      case 'peername':
        return this.#peername
      case 'sockname':
        return this.#sockname
      default:
        return socket instanceof TLSSocket ? tlsFact(socket, name) : undefined
    }
  }
}

function tlsFact(socket: TLSSocket, name: string): unknown {
  switch (name) {
    case 'cipher':
      return socket.getCipher()
    case 'peercert':
      return socket.getPeerCertificate()
    case 'alpn':
      return socket.alpnProtocol || undefined
    case 'protocol':
      return socket.getProtocol()
    case 'servername':
      return socket.servername || undefined
    default:
      return undefined
  }
}

/** As asyncio names an end: [host, port]; a Unix socket's is its path, which Node does not tell. */
function nameOf(address: string | undefined, port: number | undefined): unknown {
  return address === undefined ? undefined : [address, port]
}
