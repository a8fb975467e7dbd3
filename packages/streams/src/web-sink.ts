import { toOSError } from './os-error.ts'
import { UnsentBytes } from './unsent-bytes.ts'
import { type WriteProtocol, WriteTransport } from './write-transport.ts'

/** A transport that writes to a WritableStream of the web. */
export class WebSink extends WriteTransport {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>
  readonly #protocol: WriteProtocol
  readonly #unsent = new UnsentBytes()
  #ended = false
  /** Whether the sink has taken bytes. If it has not, other code may have closed it before this transport was made. */
  #hasTaken = false

  constructor(sink: WritableStream<Uint8Array>, protocol: WriteProtocol) {
    super()
    if (sink.locked)
      throw new TypeError('StreamWriter.to takes a WritableStream that is not locked')
    this.#writer = sink.getWriter()
    this.#protocol = protocol
    this.#writer.closed.then(() => this.lost(null), this.#failed)
  }

  protected override buffered(): number {
    return this.#unsent.count
  }

  protected override send(data: Uint8Array | string, flushed: (() => void) | undefined): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    this.#unsent.add(bytes.length)
    this.#write(bytes).then(() => {
      this.#hasTaken = true
      this.#unsent.remove(bytes.length)
      flushed?.()
    }, this.#notWritten)
  }

  async #write(bytes: Uint8Array): Promise<void> {
    // If other code is closing the stream, the `write` of Node's WritableStreamDefaultWriter throws, instead of returning a
    // promise that rejects. This function is async, so it turns the error into a rejection.
    await this.#writer.write(bytes)
  }

  protected override whenFlushed(callback: () => void): void {
    this.#unsent.whenAccepted(callback)
  }

  /** A WritableStream has only a writing side, so ending the writing closes the stream. */
  protected override end(): void {
    this.finish()
  }

  protected override finish(): void {
    if (this.#ended) return
    this.#ended = true
    this.#writer.close().then(undefined, (error: unknown) => {
      // If other code has closed the stream, this `close` is rejected although the stream has not failed. The promise
      // `closed` still reports the end of the stream.
      if (this.#hasFailed) this.#failed(error)
    })
  }

  protected override destroy(): void {
    this.#writer.abort().then(
      () => this.lost(null),
      // The `abort` method that the maker of the WritableStream has provided has failed.
      (error: unknown) => this.lost(toOSError(error)),
    )
  }

  protected override writeProtocol(): WriteProtocol {
    return this.#protocol
  }

  /** @internal whether the sink may refuse the bytes of the last write, and report this later in this turn of the loop */
  override get mayRefuse(): boolean {
    return !this.#hasTaken || this.#hasFailed
  }

  get #hasFailed(): boolean {
    return this.#writer.desiredSize === null
  }

  readonly #notWritten = (error: unknown): void => {
    // A stream that refuses a write although it has not failed was closed by other code.
    if (this.#hasFailed) this.#failed(error)
    else this.refuse()
  }

  /**
   * Called when the sink has failed in a write, in its close or by itself. If this transport has aborted the sink, every
   * pending write is rejected, and the rejection is not an error of the sink.
   */
  readonly #failed = (error: unknown): void => {
    if (!this.isAborted) this.lost(toOSError(error))
  }
}
