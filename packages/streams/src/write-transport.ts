import { RuntimeError } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import type { Writable } from 'node:stream'
import type { WriteProtocol } from './flow-control.ts'

/** A writer that writes this many times the high-water mark without a drain is warned once. */
const UNDRAINED = 16

export interface WriteBufferLimits {
  /** The protocol is told to pause when more than this many bytes are buffered. */
  high?: number | undefined
  /** The protocol is told to resume when this many bytes are buffered, or fewer. */
  low?: number | undefined
}

/**
 * The writing side of a transport over any sink. It tells its protocol when to pause and when to resume writing, and
 * how the sink has ended. Bytes that are written after the end are dropped with one warning, so that a producer that
 * has not noticed the end does not flood the log; its next drain throws.
 */
export abstract class WriteTransport {
  #high = 65_536
  #low = 16_384
  #paused = false
  #closing = false
  #eof = false
  #lost = false
  #undrained = 0
  #warned = false
  #dropped = false

  /** The number of bytes that the sink has not taken yet. */
  protected abstract buffered(): number
  /** Hands bytes to the sink, which calls `flushed` when it has taken them. */
  protected abstract send(data: Uint8Array | string, flushed: (() => void) | undefined): void
  /** Ends the writing side after the buffered bytes. */
  protected abstract end(): void
  /** Closes both sides after the buffered bytes. */
  protected abstract finish(): void
  /** Closes at once and drops the buffered bytes. */
  protected abstract destroy(): void
  /** Calls `callback` when the sink has taken the bytes that are buffered now, even if writing has ended. */
  protected abstract whenFlushed(callback: () => void): void
  protected abstract writeProtocol(): WriteProtocol

  /** Hands `data` to the sink and never waits. The bytes must not be changed until they are drained. */
  write(data: Uint8Array | string): void {
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw new TypeError(`write takes a Buffer, Uint8Array or string, got ${describe(data)}`)
    }
    if (this.#eof) throw new RuntimeError('write() after writeEof()')
    if (this.#closing) {
      this.#dropped = true
      this.#warn(
        'data was written to a closed stream and dropped: await drain() to learn that it closed',
      )
      return
    }
    if (data.length === 0) return
    if (this.#paused) {
      this.send(data, this.#flushed)
      this.#undrained += data.length
      if (this.#undrained > UNDRAINED * this.#high) this.#warnUndrained()
      return
    }
    this.send(data, undefined)
    if (this.buffered() > this.#high) this.#pause()
  }

  writeLines(lines: Iterable<Uint8Array | string>): void {
    if (typeof lines !== 'object' || lines === null || !(Symbol.iterator in lines)) {
      throw new TypeError(`writeLines takes an iterable of bytes, got ${describe(lines)}`)
    }
    const all = [...lines].map((line) => (typeof line === 'string' ? Buffer.from(line) : line))
    this.write(Buffer.concat(all))
  }

  /** Ends the writing side after the buffered bytes; a second call does nothing. */
  writeEof(): void {
    if (this.#closing || this.#eof) return
    this.#eof = true
    this.end()
    // A sink that has been ended gives no more sign that it wants more, but it still tells when it has taken all.
    if (this.#paused) this.whenFlushed(this.#flushed)
  }

  canWriteEof(): boolean {
    return true
  }

  /** Closes after the buffered bytes; reads end at once. */
  close(): void {
    if (this.#closing) return
    this.#closing = true
    this.finish()
  }

  /** Closes at once; the buffered bytes are lost. */
  abort(): void {
    this.#closing = true
    if (!this.#lost) this.destroy()
  }

  /** Whether it is closed or about to be. */
  isClosing(): boolean {
    return this.#closing
  }

  /** @internal whether bytes were written after the end, and are lost */
  get dropped(): boolean {
    return this.#dropped
  }

  getWriteBufferSize(): number {
    return this.buffered()
  }

  getWriteBufferLimits(): { low: number; high: number } {
    return { low: this.#low, high: this.#high }
  }

  /**
   * Bytes. `high` alone makes `low` a quarter of it; `low` alone makes `high` four times it.
   *
   * @throws {RangeError} unless high >= low >= 0
   */
  setWriteBufferLimits(limits: WriteBufferLimits = {}): void {
    const high = limits.high ?? (limits.low === undefined ? 65_536 : 4 * limits.low)
    const low = limits.low ?? Math.floor(high / 4)
    if (!(high >= low && low >= 0)) {
      throw new RangeError(`the limits must be high >= low >= 0 bytes, got ${high} and ${low}`)
    }
    this.#high = high
    this.#low = low
    if (!this.#paused && this.buffered() > high) this.#pause()
  }

  getExtraInfo(_name: string, fallback: unknown = null): unknown {
    return fallback
  }

  /** For subclasses: the peer or the sink has ended the stream; bytes that are written from now on are dropped. */
  protected closing(): void {
    this.#closing = true
  }

  /** For subclasses: the sink has closed, with `error` if it has failed. Only the first call counts. */
  protected lost(error: Error | null): void {
    if (this.#lost) return
    this.#lost = true
    this.#closing = true
    this.writeProtocol().connectionLost?.(error)
  }

  /** For subclasses over a Writable of Node: what `whenFlushed` does. After an error it never calls back. */
  protected whenNodeFlushed(sink: Writable, callback: () => void): void {
    if (sink.writableEnded) {
      if (!sink.writableFinished) sink.once('finish', callback)
    } else if (sink.writableNeedDrain) sink.once('drain', callback)
    else if (sink.writable) sink.write('', callback)
  }

  #pause(): void {
    this.#paused = true
    this.#undrained = 0
    this.writeProtocol().pauseWriting?.()
    // Without this, nothing would report that the sink has caught up when the protocol writes no more.
    this.whenFlushed(this.#flushed)
  }

  readonly #flushed = (): void => {
    if (!this.#paused || this.#lost || this.buffered() > this.#low) return
    this.#paused = false
    this.writeProtocol().resumeWriting?.()
  }

  #warnUndrained(): void {
    this.#warn(`${this.buffered()} bytes are buffered for a peer that does not read: await drain()`)
  }

  #warn(message: string): void {
    if (this.#warned) return
    this.#warned = true
    process.emitWarning(message, 'ResourceWarning')
  }
}
