import { toOSError } from './os-error.ts'
import { type WriteProtocol, WriteTransport } from './write-transport.ts'

/** A transport that writes to a WritableStream of the web. */
export class WebSink extends WriteTransport {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>
  readonly #protocol: WriteProtocol
  #buffered = 0
  #callbacks: (() => void)[] = []
  #ended = false
  #aborted = false

  constructor(sink: WritableStream<Uint8Array>, protocol: WriteProtocol) {
    super()
    if (sink.locked)
      throw new TypeError('StreamWriter.to takes a WritableStream that is not locked')
    this.#writer = sink.getWriter()
    this.#protocol = protocol
    this.#writer.closed.then(() => this.lost(null), this.#failed)
  }

  protected override buffered(): number {
    return this.#buffered
  }

  protected override send(data: Uint8Array | string, flushed: (() => void) | undefined): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    this.#buffered += bytes.length
    this.#writer.write(bytes).then(() => {
      this.#buffered -= bytes.length
      flushed?.()
      if (this.#buffered > 0) return
      for (const callback of this.#callbacks.splice(0)) callback()
    }, this.#failed)
  }

  protected override whenFlushed(callback: () => void): void {
    this.#callbacks.push(callback)
  }

  /** A WritableStream has only a writing side, so ending the writing closes the stream. */
  protected override end(): void {
    this.finish()
  }

  protected override finish(): void {
    if (this.#ended) return
    this.#ended = true
    this.#writer.close().then(undefined, this.#failed)
  }

  protected override destroy(): void {
    this.#aborted = true
    this.#writer.abort().then(
      () => this.lost(null),
      // The clean-up of the sink has failed.
      (error: unknown) => this.lost(toOSError(error)),
    )
  }

  protected override writeProtocol(): WriteProtocol {
    return this.#protocol
  }

  /**
   * Called when a write was rejected. If this transport has aborted the sink, every pending write is rejected, and the
   * rejection is not an error of the sink.
   */
  readonly #failed = (error: unknown): void => {
    if (!this.#aborted) this.lost(toOSError(error))
  }
}
