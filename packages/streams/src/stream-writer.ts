import { isCancelled, RuntimeError, sleep } from '@tasktree/core'
import { checkOptions } from '@tasktree/core/lowlevel'
import type { Writable } from 'node:stream'
import { FlowControl } from './flow-control.ts'
import { ConnectionResetError } from './os-error.ts'
import { writeTo } from './sink-transport.ts'
import type { StreamReader } from './stream-reader.ts'
import type { WaitOptions } from './waiters.ts'
import type { WriteTransport } from './write-transport.ts'

/** Most drains have nothing to wait for. */
const DRAINED: Promise<void> = Promise.resolve()
/** After so many of them one lets timers and I/O in: a peer that keeps up must not starve the loop. */
const TURN = 128

/** A transport that can be put under TLS. */
export interface TlsUpgradable<O> extends WriteTransport {
  /** @throws {TypeError} for options that `startTls` does not take */
  checkTls(options: O): void
  startTls(options: O, wait?: WaitOptions): Promise<void>
}

/**
 * Bytes that leave. `write` never waits; `drain` after it waits while the peer is slower than the
 * writer. Leaving its scope closes it and waits for the end.
 *
 * Source: asyncio.StreamWriter
 */
export class StreamWriter implements AsyncDisposable {
  /** @internal the bundler calls a class that names itself `_StreamWriter` */
  static readonly name: string = 'StreamWriter'

  readonly #transport: WriteTransport
  readonly #flow: FlowControl
  readonly #reader: StreamReader | null
  #drains = 0

  /** For protocols; others get one from `openConnection`, a process or `StreamWriter.to`. */
  constructor(transport: WriteTransport, flow: FlowControl, reader: StreamReader | null = null) {
    this.#transport = transport
    this.#flow = flow
    this.#reader = reader
  }

  /** A writer to a Writable of Node or a WritableStream of the web, which is locked by it. */
  static to(sink: Writable | WritableStream<Uint8Array>): StreamWriter {
    const flow = new FlowControl()
    return new StreamWriter(writeTo(sink, flow), flow)
  }

  get transport(): WriteTransport {
    return this.#transport
  }

  /**
   * Hands bytes on and never waits; a string goes as UTF-8. The bytes must not be changed until they
   * are drained. After the stream has closed it does nothing but warn once.
   *
   * @throws {TypeError} when `data` is no bytes
   * @throws {RuntimeError} after `writeEof`
   */
  write(data: Uint8Array | string): void {
    this.#transport.write(data)
  }

  writeLines(lines: Iterable<Uint8Array | string>): void {
    this.#transport.writeLines(lines)
  }

  /** Ends the writing side after what is buffered; reading goes on. */
  writeEof(): void {
    this.#transport.writeEof()
  }

  canWriteEof(): boolean {
    return this.#transport.canWriteEof()
  }

  /**
   * Waits while more is buffered than the high-water mark.
   *
   * @throws {ConnectionResetError} when the connection is gone
   * @throws what reading failed with
   */
  drain(options?: WaitOptions): Promise<void> {
    checkOptions(options)
    const transport = this.#transport
    if (
      !this.#flow.paused &&
      !transport.isClosing() &&
      (this.#reader?.exception() ?? null) === null &&
      ++this.#drains % TURN !== 0
    ) {
      return DRAINED
    }
    return this.#drain(options)
  }

  async #drain(options: WaitOptions | undefined): Promise<void> {
    const exception = this.#reader?.exception() ?? null
    if (exception !== null) throw exception
    // A loop of write and drain must notice the end even if it never has to wait.
    if (!this.#flow.paused && !this.#flow.lost) await sleep(0)
    if (this.#flow.paused || this.#flow.lost) await this.#flow.drain(options)
    if (this.#transport.dropped) {
      throw new ConnectionResetError('the stream was closed before all of it was written')
    }
  }

  /** Closes after what is buffered. */
  close(): void {
    this.#transport.close()
  }

  /** Closes at once; what is buffered is lost. */
  abort(): void {
    this.#transport.abort()
  }

  isClosing(): boolean {
    return this.#transport.isClosing()
  }

  /** Waits until it is closed. @throws what the connection was lost by */
  waitClosed(options?: WaitOptions): Promise<void> {
    return this.#flow.waitClosed(options)
  }

  /** Facts about what is underneath: 'peername', 'sockname', 'socket', 'cipher', 'peercert', …; else `fallback`. */
  getExtraInfo(name: string, fallback: unknown = null): unknown {
    return this.#transport.getExtraInfo(name, fallback)
  }

  /**
   * Puts the connection under TLS, after what is buffered; the writer and its reader stay the same.
   *
   * @throws {TypeError} when the options are none, or the server's have no certificate
   * @throws {RuntimeError} when what is underneath cannot
   */
  startTls<O>(options: O, wait?: WaitOptions): Promise<void> {
    checkOptions(wait)
    const transport = this.#transport
    if (isUpgradable<O>(transport)) transport.checkTls(options)
    return this.#startTls(options, wait)
  }

  async #startTls<O>(options: O, wait: WaitOptions | undefined): Promise<void> {
    const transport = this.#transport
    if (!isUpgradable<O>(transport)) {
      throw new RuntimeError('startTls() needs a socket, and this is a writer to another sink')
    }
    await this.drain(wait)
    await transport.startTls(options, wait)
  }

  /** Closes and waits; when the wait is cancelled, what is buffered is given up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    try {
      await this.waitClosed()
    } catch (error) {
      if (isCancelled(error)) this.abort()
      throw error
    }
  }
}

function isUpgradable<O>(transport: WriteTransport): transport is TlsUpgradable<O> {
  return 'startTls' in transport
}
