import { isCancelled, RuntimeError, shielded, sleep } from '@tasktree/core'
import { cancelIsDue, checkOptions, currentFrame, describe } from '@tasktree/core/lowlevel'
import type { Writable } from 'node:stream'
import { FlowControl, lossOf } from './drain-waits.ts'
import { NodeSink } from './node-sink.ts'
import { ConnectionResetError } from './os-error.ts'
import type { StreamReader } from './stream-reader.ts'
import type { WaitOptions } from './wait-options.ts'
import { WebSink } from './web-sink.ts'
import type { WriteProtocol, WriteTransport } from './write-transport.ts'

/** The result of each drain that does not have to wait. Most drains do not have to wait. */
const DRAINED: Promise<void> = Promise.resolve()
/** Every 128th drain waits one turn of the loop. Otherwise a peer that always keeps up would starve timers and I/O. */
const TURN = 128
/** How many milliseconds the stream has to close after an abort in a cancelled scope. */
const ABORT_GRACE = 5_000

/** A transport that can begin TLS. */
export interface TlsUpgradable<O> extends WriteTransport {
  /** Checks the options of `startTls`. @throws {TypeError} when one of them is wrong */
  checkTls(options: O): void
  startTls(options: O, wait?: WaitOptions): Promise<void>
}

/**
 * Writes bytes to a sink: a connection, a child process, a Writable of Node or a WritableStream. `write` never waits. A
 * `drain` after it waits while the sink is slower than the writer. Leaving the scope of `await using` closes the stream and
 * waits until it has closed.
 *
 * @example
 *     import { PassThrough } from 'node:stream'
 *
 *     const sink = new PassThrough()
 *     const writer = StreamWriter.to(sink)
 *     writer.write('hello\n')
 *     await writer.drain() // waits while the buffer is full
 *     console.log(String(sink.read()).trim()) // hello
 *     writer.close()
 *
 * Source: asyncio.StreamWriter
 */
export class StreamWriter implements AsyncDisposable {
  /** @internal the name that users see; without it, a bundler may rename the class to `_StreamWriter` */
  static readonly name: string = 'StreamWriter'

  readonly #transport: WriteTransport
  readonly #flow: FlowControl
  readonly #reader: StreamReader | null
  #drains = 0

  /** Protocols call this constructor. Programs get a writer from `openConnection`, a process or `StreamWriter.to`. */
  constructor(transport: WriteTransport, flow: FlowControl, reader: StreamReader | null = null) {
    this.#transport = transport
    flow.watch(transport)
    transport.hasWriter()
    this.#flow = flow
    this.#reader = reader
  }

  /**
   * Returns a writer that writes to a Writable of Node or to a WritableStream. A WritableStream is locked by this call, so
   * no other code can write to it.
   */
  static to(sink: Writable | WritableStream<Uint8Array>): StreamWriter {
    const flow = new FlowControl()
    return new StreamWriter(writeTo(sink, flow), flow)
  }

  get transport(): WriteTransport {
    return this.#transport
  }

  /**
   * Passes bytes to the sink without waiting; a string is sent as UTF-8. Do not change the bytes later: the sink may keep
   * them, not a copy, and a part of them may still wait in its buffer when `drain` has returned. After the stream has
   * closed, a write does nothing, and the next `drain` throws. Code that goes on writing and never drains is warned once.
   *
   * @throws {TypeError} when `data` is not bytes
   * @throws {RuntimeError} after `writeEof`
   */
  write(data: Uint8Array | string): void {
    this.#transport.write(data)
  }

  writeLines(lines: Iterable<Uint8Array | string>): void {
    this.#transport.writeLines(lines)
  }

  /** Ends the writing side after the buffered bytes have been sent. Reading continues. */
  writeEof(): void {
    this.#transport.writeEof()
  }

  canWriteEof(): boolean {
    return this.#transport.canWriteEof()
  }

  /**
   * If more bytes are buffered than the high-water mark, waits until at most the low-water mark is left.
   *
   * @throws {ConnectionResetError} when the stream has closed or its connection is lost, and when bytes were written after
   * `close` or after other code had ended the sink
   * @throws the error with which reading failed
   * @throws the error with which the sink failed, such as `ENOSPC`. If the sink failed before the call, and the error says
   * only that the connection is lost, the call throws a ConnectionResetError instead
   *
   * Source: asyncio.StreamWriter.drain. Differs: once the sink has failed, each later drain of asyncio raises
   * ConnectionResetError, whatever the error was.
   */
  drain(options?: WaitOptions): Promise<void> {
    checkOptions(options)
    const transport = this.#transport
    transport.drains()
    if (
      !this.#flow.paused &&
      !transport.isClosing() &&
      !transport.dropped &&
      !transport.mayRefuse &&
      transport.failure === null &&
      (this.#reader?.exception() ?? null) === null &&
      ++this.#drains % TURN !== 0 &&
      !cancelIsDue()
    ) {
      return DRAINED
    }
    return this.#drain(options)
  }

  async #drain(options: WaitOptions | undefined): Promise<void> {
    const exception = this.#reader?.exception() ?? null
    if (exception !== null) throw exception
    // Waits one turn of the loop. Otherwise a program that writes and drains in a loop, and never has to wait, would not
    // notice the end of the connection, or its own cancel.
    if (!this.#flow.paused && !this.#flow.lost) await sleep(0)
    // The transport reports the end of a sink that has failed or was aborted only when the sink has closed.
    const { failure, isAborted } = this.#transport
    if ((failure !== null || isAborted) && !this.#flow.lost) throw lossOf(failure)
    if (this.#flow.paused || this.#flow.lost) await this.#flow.drain(options)
    if (this.#transport.refusedBytes) throw refusedBytes()
    if (this.#transport.dropped) {
      throw new ConnectionResetError('the stream was closed before all of it was written')
    }
  }

  /** Closes the stream after the buffered bytes have been sent. */
  close(): void {
    this.#transport.close()
  }

  /** Closes the stream at once. The buffered bytes are lost. */
  abort(): void {
    this.#transport.abort()
  }

  isClosing(): boolean {
    return this.#transport.isClosing()
  }

  /**
   * Waits until the stream has closed.
   *
   * @throws the error with which the connection was lost
   * @throws {ConnectionResetError} when the sink had ended before all bytes were written, because other code or the peer has
   * ended it
   */
  waitClosed(options?: WaitOptions): Promise<void> {
    checkOptions(options)
    return this.#waitClosed(options)
  }

  async #waitClosed(options: WaitOptions | undefined): Promise<void> {
    await this.#flow.waitClosed(options)
    if (this.#transport.refusedBytes) throw refusedBytes()
  }

  /**
   * Returns a fact about the transport: 'peername', 'sockname', 'socket', 'cipher', 'peercert', 'authorized', …;
   * returns `fallback` when the transport does not have it.
   */
  getExtraInfo(name: string, fallback: unknown = null): unknown {
    return this.#transport.getExtraInfo(name, fallback)
  }

  /**
   * Begins TLS on the connection, after the buffered bytes have been sent. The program continues to use this writer and
   * its reader. On the server, unread bytes of the reader are passed to TLS, because they are the beginning of the
   * handshake. On the client, unread bytes are an error, because plain bytes must never be read as if they had come
   * over TLS.
   *
   * @throws {TypeError} when the options are not an object, or a server has no certificate
   * @throws {RuntimeError} when the sink is not a socket
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
    const exception = this.#reader?.exception() ?? null
    if (exception !== null) throw exception
    if (this.#flow.lost) await this.#flow.drain(wait)
    // No `await` may come before this call, except the `await` above, which always throws. Otherwise other code could write
    // bytes in the meantime, and they would be sent without TLS.
    await transport.startTls(options, wait)
  }

  /**
   * Closes the stream and waits until it has closed. If the wait is cancelled, the buffered bytes are dropped. In a
   * cancelled scope the call then still waits until the stream has closed, for at most 5 seconds.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    try {
      await this.waitClosed()
    } catch (error) {
      if (isCancelled(error)) {
        this.abort()
        if (currentFrame()?.isLevelCancelled() === true) {
          await shielded(() => this.waitClosed(), { grace: ABORT_GRACE })
        }
      }
      throw error
    }
  }
}

function refusedBytes(): ConnectionResetError {
  return new ConnectionResetError(
    'bytes were written to a sink that had ended, and are lost: other code or the peer has ended it',
  )
}

function isUpgradable<O>(transport: WriteTransport): transport is TlsUpgradable<O> {
  return 'startTls' in transport
}

/** Makes the transport for a Writable of Node or a WritableStream. @throws {TypeError} for any other value */
function writeTo(
  sink: Writable | WritableStream<Uint8Array>,
  protocol: WriteProtocol,
): WriteTransport {
  if (typeof sink === 'object' && sink !== null) {
    if ('getWriter' in sink) return new WebSink(sink, protocol)
    if ('write' in sink && 'end' in sink) return new NodeSink(sink, protocol)
  }
  throw new TypeError(`StreamWriter.to takes a Writable or a WritableStream, got ${describe(sink)}`)
}
