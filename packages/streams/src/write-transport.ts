import { RuntimeError } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import type { Writable } from 'node:stream'
import {
  DEFAULT_HIGH_WATER,
  DEFAULT_LOW_WATER,
  toWaterMarks,
  type WriteBufferLimits,
  type WriteProtocol,
} from './flow-control.ts'

/** A program that writes this many times the high-water mark without a drain gets one warning. */
const UNDRAINED = 16
/**
 * A program that writes this many times to a StreamWriter after the end without a drain gets one warning. Code that drains
 * after each batch of writes gets none, because its next drain throws. A protocol cannot drain, so its first such write
 * gets the warning.
 */
const DROPPED = 128

/**
 * The writing side of a transport, for any kind of sink. It tells its protocol when to pause and resume writing, and
 * how the sink has ended. Bytes that are written after the end are dropped, and the next drain of the program throws. A
 * program that never drains gets one warning, and not one for each write, so that it does not flood the log.
 *
 * @example
 *     const head = (transport: WriteTransport) => {
 *       transport.setWriteBufferLimits({ high: 16_384 }) // above it, drain() waits
 *       transport.write('HTTP/1.1 204 No Content\r\n\r\n')
 *     }
 *     head(StreamWriter.to(process.stderr).transport)
 */
export abstract class WriteTransport {
  #high = DEFAULT_HIGH_WATER
  #low = DEFAULT_LOW_WATER
  #paused = false
  #closing = false
  #eof = false
  #lost = false
  #undrained = 0
  #warned = false
  #dropped = false
  /** How many writes were dropped since the last drain. */
  #droppedWrites = 0
  #hasWriter = false

  /** Returns how many bytes the sink has not accepted yet. */
  protected abstract buffered(): number
  /** Passes bytes to the sink. The sink calls `flushed` when it has accepted them. */
  protected abstract send(data: Uint8Array | string, flushed: (() => void) | undefined): void
  /** Ends the writing side after the buffered bytes have been sent. */
  protected abstract end(): void
  /** Closes both sides after the buffered bytes have been sent. */
  protected abstract finish(): void
  /** Closes the sink at once and drops the buffered bytes. */
  protected abstract destroy(): void
  /** Calls `callback` when the sink has accepted the bytes that are buffered now, even if writing has ended. */
  protected abstract whenFlushed(callback: () => void): void
  protected abstract writeProtocol(): WriteProtocol

  /** Passes `data` to the sink without waiting. Do not change the bytes until they are drained. */
  write(data: Uint8Array | string): void {
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw new TypeError(`write takes a Buffer, Uint8Array or string, got ${describe(data)}`)
    }
    if (this.#eof) throw new RuntimeError('write() after writeEof()')
    if (this.#closing) {
      this.#dropped = true
      this.#droppedWrites++
      if (!this.#hasWriter || this.#droppedWrites === DROPPED) this.#warnDropped()
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

  /** Ends the writing side after the buffered bytes have been sent. A second call does nothing. */
  writeEof(): void {
    if (this.#closing || this.#eof) return
    this.#eof = true
    this.end()
    // A sink whose writing side has ended no longer reports that it wants more bytes, but it still reports when it has
    // accepted all bytes.
    if (this.#paused) this.whenFlushed(this.#flushed)
  }

  canWriteEof(): boolean {
    return true
  }

  /** Closes the transport after the buffered bytes have been sent. The reading side of the same connection ends at once. */
  close(): void {
    if (this.#closing) return
    this.#closing = true
    this.finish()
  }

  /** Closes the transport at once. The buffered bytes are lost. */
  abort(): void {
    this.#closing = true
    if (!this.#lost) this.destroy()
  }

  /** Whether the transport is closed or closing. */
  isClosing(): boolean {
    return this.#closing
  }

  /** @internal whether bytes that were written after the end were dropped */
  get dropped(): boolean {
    return this.#dropped
  }

  /** @internal called by the StreamWriter that writes to this transport */
  hasWriter(): void {
    this.#hasWriter = true
  }

  /** @internal `StreamWriter` calls this for each drain: code that drains needs no warning */
  drains(): void {
    this.#droppedWrites = 0
  }

  getWriteBufferSize(): number {
    return this.buffered()
  }

  getWriteBufferLimits(): { low: number; high: number } {
    return { low: this.#low, high: this.#high }
  }

  /**
   * Sets how many buffered bytes make the protocol pause and resume. If only `high` is given, `low` is a quarter of it.
   * If only `low` is given, `high` is four times as much.
   *
   * @throws {RangeError} unless high >= low >= 0
   */
  setWriteBufferLimits(limits: WriteBufferLimits = {}): void {
    const { high, low } = toWaterMarks(limits)
    this.#high = high
    this.#low = low
    if (!this.#paused && this.buffered() > high) this.#pause()
  }

  getExtraInfo(_name: string, fallback: unknown = null): unknown {
    return fallback
  }

  /** Called by subclasses when the peer or the sink has ended the stream. Bytes that are written later are dropped. */
  protected closing(): void {
    this.#closing = true
  }

  /** Called by subclasses when the sink has closed, with `error` if it has failed. Only the first call counts. */
  protected lost(error: Error | null): void {
    if (this.#lost) return
    this.#lost = true
    this.#closing = true
    this.writeProtocol().connectionLost?.(error)
  }

  /**
   * Calls `callback` when `sink`, a Writable of Node, has accepted all bytes that are buffered now. After an error of the
   * sink, `callback` is never called. Subclasses that write to a Writable implement `whenFlushed` with this method.
   */
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
    // The sink reports that it has accepted bytes only if this transport asks for it. Without this call, a protocol that
    // writes no more would stay paused.
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

  #warnDropped(): void {
    this.#warn(
      'data was written to a closed stream and dropped: await drain() to learn that it closed',
    )
  }

  #warn(message: string): void {
    if (this.#warned) return
    this.#warned = true
    process.emitWarning(message, 'ResourceWarning')
  }
}
