import { describe } from '@tasktree/core/lowlevel'
import { finished, type Writable } from 'node:stream'
import type { WriteProtocol } from './flow-control.ts'
import { toOSError } from './os-error.ts'
import { WriteTransport } from './write-transport.ts'

/** Writes to any Writable of Node. */
class SinkTransport extends WriteTransport {
  readonly #sink: Writable
  readonly #protocol: WriteProtocol

  constructor(sink: Writable, protocol: WriteProtocol) {
    super()
    this.#sink = sink
    this.#protocol = protocol
    // A listener of its own: a stream whose error nobody hears takes the process down.
    sink.on('error', (error) => this.lost(toOSError(error)))
    finished(sink, { readable: false }, (error) => {
      this.lost(error == null || this.isClosing() ? null : toOSError(error))
    })
  }

  override getExtraInfo(name: string, fallback: unknown = null): unknown {
    return name === 'pipe' ? this.#sink : fallback
  }

  protected override buffered(): number {
    return this.#sink.writableLength
  }

  protected override send(data: Uint8Array | string, flushed: (() => void) | undefined): void {
    this.#sink.write(data, flushed)
  }

  protected override whenFlushed(callback: () => void): void {
    if (this.#sink.writableNeedDrain) this.#sink.once('drain', callback)
    else if (this.#sink.writable) this.#sink.write('', callback)
  }

  protected override end(): void {
    this.#sink.end()
  }

  protected override finish(): void {
    this.#sink.end()
  }

  protected override destroy(): void {
    this.#sink.destroy()
  }

  protected override writeProtocol(): WriteProtocol {
    return this.#protocol
  }
}

/** Writes to a WritableStream of the web. */
class WebSinkTransport extends WriteTransport {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>
  readonly #protocol: WriteProtocol
  #buffered = 0
  #callbacks: (() => void)[] = []

  constructor(sink: WritableStream<Uint8Array>, protocol: WriteProtocol) {
    super()
    if (sink.locked)
      throw new TypeError('StreamWriter.to takes a WritableStream that is not locked')
    this.#writer = sink.getWriter()
    this.#protocol = protocol
    this.#writer.closed.then(
      () => this.lost(null),
      (error: unknown) => this.lost(this.isClosing() ? null : toOSError(error)),
    )
  }

  protected override buffered(): number {
    return this.#buffered
  }

  protected override send(data: Uint8Array | string, flushed: (() => void) | undefined): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    this.#buffered += bytes.length
    this.#writer.write(bytes).then(
      () => {
        this.#buffered -= bytes.length
        flushed?.()
        if (this.#buffered > 0) return
        for (const callback of this.#callbacks.splice(0)) callback()
      },
      (error: unknown) => this.lost(toOSError(error)),
    )
  }

  protected override whenFlushed(callback: () => void): void {
    this.#callbacks.push(callback)
  }

  protected override end(): void {
    this.finish()
  }

  protected override finish(): void {
    this.#writer.close().catch((error: unknown) => this.lost(toOSError(error)))
  }

  protected override destroy(): void {
    this.#writer.abort().then(
      () => this.lost(null),
      (error: unknown) => this.lost(toOSError(error)),
    )
  }

  protected override writeProtocol(): WriteProtocol {
    return this.#protocol
  }
}

export function writeTo(
  sink: Writable | WritableStream<Uint8Array>,
  protocol: WriteProtocol,
): WriteTransport {
  if (typeof sink === 'object' && sink !== null) {
    if ('getWriter' in sink) return new WebSinkTransport(sink, protocol)
    if ('write' in sink && 'end' in sink) return new SinkTransport(sink, protocol)
  }
  throw new TypeError(`StreamWriter.to takes a Writable or a WritableStream, got ${describe(sink)}`)
}
