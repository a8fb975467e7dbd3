import { finished, type Writable } from 'node:stream'
import { toOSError } from './os-error.ts'
import { type WriteProtocol, WriteTransport } from './write-transport.ts'

/** A transport that writes to a Writable of Node. */
export class NodeSink extends WriteTransport {
  readonly #sink: Writable
  readonly #protocol: WriteProtocol
  #aborted = false

  constructor(sink: Writable, protocol: WriteProtocol) {
    super()
    this.#sink = sink
    this.#protocol = protocol
    // This listener is never removed, because an 'error' event without a listener would end the process.
    sink.on('error', (error) => this.lost(toOSError(error)))
    finished(sink, { readable: false }, (error) => {
      // Node reports an error if the sink has closed before it has sent all bytes. After close(), such a sink may be a
      // pipe whose reader has ended, which is not a failure.
      const isOrderly =
        error == null || this.#aborted || (this.isClosing() && sink.errored === null)
      this.lost(isOrderly ? null : toOSError(error))
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
    this.whenNodeFlushed(this.#sink, callback)
  }

  protected override end(): void {
    this.#sink.end()
  }

  protected override finish(): void {
    this.#sink.end()
  }

  protected override destroy(): void {
    this.#aborted = true
    this.#sink.destroy()
  }

  protected override writeProtocol(): WriteProtocol {
    return this.#protocol
  }
}
