import { Writable } from 'node:stream'
import { Future, RuntimeError } from '@tasktree/core'
import { cancelOnAbort, describe } from '@tasktree/core/lowlevel'
import { ConnectionResetError } from './errors.ts'

/**
 * The writing half of a byte stream. `write` buffers; `drain` waits while too much is buffered.
 *
 * After the peer has gone writes do nothing, and `drain` throws ConnectionResetError.
 *
 * Source: asyncio.StreamWriter
 */
export class StreamWriter implements AsyncDisposable {
  /** The Node stream behind it. */
  readonly transport: Writable
  readonly #closed = new Future<void>()
  #error: Error | null = null
  #isClosing = false
  #warned = false

  constructor(sink: Writable) {
    this.transport = sink
    sink.on('error', (error: Error) => {
      this.#error = error
    })
    sink.once('close', () => {
      this.#isClosing = true
      if (!this.#closed.done()) this.#closed.setResult()
    })
    if (sink.destroyed && sink.closed) this.#closed.setResult()
  }

  /** A writer of a Node stream or a web stream. */
  static to(sink: Writable | WritableStream): StreamWriter {
    if (sink instanceof Writable || 'writableHighWaterMark' in sink)
      return new StreamWriter(sink as Writable)
    if ('getWriter' in sink) return new StreamWriter(Writable.fromWeb(sink as never))
    throw new TypeError(`StreamWriter.to takes a writable stream, got ${describe(sink)}`)
  }

  /** Text is written as UTF-8. @throws {TypeError} for anything but bytes and strings */
  write(data: Uint8Array | string): void {
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw new TypeError(`write takes bytes or a string, got ${describe(data)}`)
    }
    if (this.transport.destroyed || this.#error !== null) return
    if (this.transport.writableEnded)
      throw new RuntimeError('cannot write after writeEof() or close()')
    this.transport.write(data)
    if (
      !this.#warned &&
      this.transport.writableLength > 16 * Math.max(this.transport.writableHighWaterMark, 65_536)
    ) {
      this.#warned = true
      process.emitWarning(
        `${this.transport.writableLength} bytes are buffered for a slow reader: await drain() after writing`,
        'TasktreeWarning',
      )
    }
  }

  writeLines(lines: Iterable<Uint8Array | string>): void {
    this.transport.cork()
    try {
      for (const line of lines) this.write(line)
    } finally {
      this.transport.uncork()
    }
  }

  /** Says that no more will be written; the reading half stays open. */
  writeEof(): void {
    if (!this.transport.writableEnded) this.transport.end()
  }

  canWriteEof(): boolean {
    return true
  }

  /** Waits while more is buffered than the high-water mark. @throws {ConnectionResetError} when the peer has gone */
  async drain(options?: { signal?: AbortSignal }): Promise<void> {
    const { transport } = this
    this.#assertAlive()
    if (!transport.writableNeedDrain) return
    const drained = new Future<void>()
    const wake = (): void => {
      if (!drained.done()) drained.setResult()
    }
    transport.on('drain', wake).on('close', wake).on('error', wake)
    try {
      await cancelOnAbort(drained, options?.signal)
    } finally {
      transport.off('drain', wake).off('close', wake).off('error', wake)
    }
    this.#assertAlive()
  }

  #assertAlive(): void {
    if (this.#error !== null) {
      throw this.#error instanceof ConnectionResetError
        ? this.#error
        : new ConnectionResetError('the connection was lost', { cause: this.#error })
    }
    if (this.transport.destroyed) throw new ConnectionResetError('the connection was lost')
  }

  /** Sends what is buffered, then closes. */
  close(): void {
    this.#isClosing = true
    const { transport } = this
    if (transport.destroyed) return
    if ('destroySoon' in transport && typeof transport.destroySoon === 'function')
      transport.destroySoon()
    else transport.end()
  }

  isClosing(): boolean {
    return this.#isClosing
  }

  /** Waits until it is closed. */
  async waitClosed(options?: { signal?: AbortSignal }): Promise<void> {
    // A wait that is cancelled must not end the others'.
    const waiter = new Future<void>()
    const wake = (): void => {
      if (!waiter.done()) waiter.setResult()
    }
    this.#closed.addDoneCallback(wake)
    try {
      await cancelOnAbort(waiter, options?.signal)
    } finally {
      this.#closed.removeDoneCallback(wake)
    }
  }

  /** Closes at once; what is buffered is lost. */
  abort(): void {
    this.#isClosing = true
    this.transport.destroy()
  }

  /** What the transport tells: `socket`, `peername`, `sockname`, … */
  getExtraInfo(name: string, fallback?: unknown): unknown {
    const socket = this.transport as Writable & Record<string, unknown>
    if (name === 'socket') return socket
    if (name === 'peername' && socket['remoteAddress'] !== undefined)
      return [socket['remoteAddress'], socket['remotePort']]
    if (name === 'sockname' && socket['localAddress'] !== undefined)
      return [socket['localAddress'], socket['localPort']]
    return fallback
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.waitClosed()
  }
}
