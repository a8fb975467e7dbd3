import { finished, type Writable } from 'node:stream'
import { toOSError } from './os-error.ts'
import { UnsentBytes } from './unsent-bytes.ts'
import { type WriteProtocol, WriteTransport } from './write-transport.ts'

/** A transport that writes to a Writable of Node. */
export class NodeSink extends WriteTransport {
  readonly #sink: Writable
  readonly #protocol: WriteProtocol
  /** Counts the bytes for a Writable in object mode, because Node counts its chunks; null for any other Writable. */
  readonly #unsent: UnsentBytes | null
  #aborted = false
  /** Whether other code had destroyed the sink before `close` was called, and the sink had not sent all bytes. */
  #wasCut = false

  constructor(sink: Writable, protocol: WriteProtocol) {
    super()
    this.#sink = sink
    this.#protocol = protocol
    this.#unsent = sink.writableObjectMode ? new UnsentBytes() : null
    // This listener is never removed, because an 'error' event without a listener would end the process.
    sink.on('error', (error) => this.lost(toOSError(error)))
    finished(sink, { readable: false }, (error) => {
      // Node reports an error if the sink has closed before it has sent all bytes. After a call of `close`, this is not a
      // failure if the sink has no error of its own: the sink may be a pipe whose reading end was closed.
      const isOrderly =
        error == null ||
        this.#aborted ||
        (this.isClosing() && !this.#wasCut && sink.errored === null)
      this.lost(isOrderly ? null : toOSError(error))
    })
  }

  override getExtraInfo(name: string, fallback: unknown = null): unknown {
    return name === 'pipe' ? this.#sink : fallback
  }

  protected override buffered(): number {
    return this.#unsent === null ? this.#sink.writableLength : this.#unsent.count
  }

  protected override send(data: Uint8Array | string, flushed: (() => void) | undefined): void {
    const unsent = this.#unsent
    if (unsent === null) this.#sink.write(data, flushed)
    else {
      const n = Buffer.byteLength(data)
      unsent.add(n)
      this.#sink.write(data, (error) => {
        if (error != null) return
        unsent.remove(n)
        flushed?.()
      })
    }
  }

  protected override whenFlushed(callback: () => void): void {
    if (this.#unsent === null) this.whenNodeFlushed(this.#sink, callback)
    else this.#unsent.whenAccepted(callback)
  }

  protected override end(): void {
    this.#sink.end()
  }

  protected override finish(): void {
    this.#wasCut = this.#sink.destroyed && this.buffered() > 0
    this.#sink.end()
  }

  protected override destroy(): void {
    this.#aborted = true
    this.#sink.destroy()
  }

  protected override writeProtocol(): WriteProtocol {
    return this.#protocol
  }

  protected override sinkHasEnded(): boolean {
    return this.#sink.destroyed || this.#sink.writableEnded
  }

  protected override refuse(): void {
    // A sink that has failed may emit its error only later: a file is closed first.
    const { errored } = this.#sink
    if (errored !== null) this.lost(toOSError(errored))
    super.refuse()
  }
}
