import type { Writable } from 'node:stream'
import { ConnectionResetError, toOSError } from './os-error.ts'
import { UnsentBytes } from './unsent-bytes.ts'
import { whenFinished } from './when-closed.ts'
import { type WriteProtocol, WriteTransport } from './write-transport.ts'

/** A transport that writes to a Writable of Node. */
export class NodeSink extends WriteTransport {
  readonly #sink: Writable
  readonly #protocol: WriteProtocol
  /** Counts the bytes for a Writable in object mode, because Node counts its chunks; null for any other Writable. */
  readonly #unsent: UnsentBytes | null
  /** Whether the sink has dropped bytes, because it has failed or was destroyed. */
  #hasDropped = false
  /** The error of the sink as `toOSError` gives it; null before the sink has failed. */
  #failure: Error | null = null

  constructor(sink: Writable, protocol: WriteProtocol) {
    super()
    this.#sink = sink
    this.#protocol = protocol
    this.#unsent = sink.writableObjectMode ? new UnsentBytes() : null
    // This listener is never removed, because an 'error' event without a listener would end the process.
    sink.on('error', (error) => this.lost(this.#fail(error)))
    whenFinished(sink, { readable: false }, (error) => {
      // The sink has failed, or it has ended, or other code has destroyed it. A destroyed sink may have accepted all bytes: the
      // stdin of a child process is destroyed when the process exits. Node then reports an error anyway. On the other hand,
      // Node reports no error for a sink that was ended and then destroyed before it was open, and drops the bytes.
      const isCut = this.#hasDropped || this.buffered() > 0
      if (this.isAborted) this.lost(null)
      else this.lost(this.sinkFailure() ?? (isCut ? cutOff(error) : null))
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
    if (unsent === null) {
      this.#sink.write(
        data,
        flushed === undefined
          ? this.#written
          : (error) => {
              this.#written(error)
              if (error == null) flushed()
            },
      )
    } else {
      const n = Buffer.byteLength(data)
      unsent.add(n)
      this.#sink.write(data, (error) => {
        if (error != null) return
        unsent.remove(n)
        flushed?.()
      })
    }
  }

  /** Called when the sink has accepted the bytes of a write, or, with an `error`, has dropped them. */
  readonly #written = (error?: Error | null): void => {
    if (error != null) this.#hasDropped = true
  }

  protected override whenFlushed(callback: () => void): void {
    if (this.#unsent === null) this.whenNodeFlushed(this.#sink, callback)
    else this.#unsent.whenAccepted(callback)
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

  protected override sinkHasEnded(): boolean {
    return this.#sink.destroyed || this.#sink.writableEnded
  }

  protected override sinkFailure(): Error | null {
    const { errored } = this.#sink
    return errored == null ? null : this.#fail(errored)
  }

  /** Keeps the error of the sink, so that all drains throw the same object. */
  #fail(error: Error): Error {
    return (this.#failure ??= toOSError(error))
  }
}

function cutOff(cause: Error | null | undefined): ConnectionResetError {
  const message = 'other code has destroyed the sink before it had sent all bytes'
  return new ConnectionResetError(message, { cause: cause ?? undefined })
}
