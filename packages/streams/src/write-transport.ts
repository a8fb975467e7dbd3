import { RuntimeError } from '@tasktree/core'
import { checkOptions, describe } from '@tasktree/core/lowlevel'
import type { Writable } from 'node:stream'
import { UndrainedWarning } from './undrained-warning.ts'

export interface WriteBufferLimits {
  /** The transport calls `pauseWriting` of its protocol when more than this many bytes are buffered. */
  high?: number | undefined
  /** The transport then calls `resumeWriting` of its protocol when at most this many bytes are buffered. */
  low?: number | undefined
}

/** The water marks of a transport whose limits were not set, in bytes. */
const DEFAULT_HIGH_WATER = 65_536
const DEFAULT_LOW_WATER = 16_384

/** The callbacks by which a transport tells a protocol when to pause and resume writing. */
export interface WriteProtocol {
  pauseWriting?(): void
  resumeWriting?(): void
  connectionLost?(error: Error | null): void
}

/**
 * The writing side of a transport, for any kind of sink. A sink is the destination of the bytes: a socket, a Writable of
 * Node or a WritableStream. The transport tells its protocol when to pause and resume writing, and how the sink has ended.
 * Bytes that are written after the end are dropped, and the next drain of the program throws. A program that never drains
 * gets one warning.
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
  /** Whether the program has called `close` or `abort`. */
  #closedHere = false
  #aborted = false
  #dropped = false
  #refusedBytes = false
  readonly #warning = new UndrainedWarning()

  /** Returns how many bytes the sink has not accepted yet. */
  protected abstract buffered(): number
  /**
   * Passes bytes to the sink, and calls `flushed` when the sink has accepted them. If the sink fails, `flushed` is called
   * with the error, or not at all.
   */
  protected abstract send(data: Uint8Array | string, flushed: (() => void) | undefined): void
  /** Ends the writing side after the buffered bytes have been sent. */
  protected abstract end(): void
  /** Closes both sides after the buffered bytes have been sent. */
  protected abstract finish(): void
  /** Closes the sink at once and drops the buffered bytes. */
  protected abstract destroy(): void
  /**
   * Calls `callback` when the sink has accepted the bytes that are buffered now, and maybe also the bytes that are written
   * in the meantime. This works after the end of writing too. If the sink fails, `callback` is called with the error, or
   * not at all.
   */
  protected abstract whenFlushed(callback: () => void): void
  protected abstract writeProtocol(): WriteProtocol
  /**
   * Whether the sink takes no more bytes because it was ended or destroyed, maybe by code that does not know this transport.
   * Node drops the bytes that are written to such a sink, and may report no error. If the sink always reports an error, the
   * subclass does not need to override this method.
   */
  protected sinkHasEnded(): boolean {
    return false
  }
  /**
   * Returns the error with which the sink has failed; null if it has not failed. The subclass calls `lost` later, because Node
   * emits the error later: never before the write returns, and for a file only when the file is closed.
   */
  protected sinkFailure(): Error | null {
    return null
  }

  /** Passes `data` to the sink without waiting. Do not change the bytes later: the sink may keep them, not a copy. */
  write(data: Uint8Array | string): void {
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw new TypeError(`write takes a Buffer, Uint8Array or string, got ${describe(data)}`)
    }
    if (this.#eof) throw new RuntimeError('write() after writeEof()')
    if (data.length === 0) return
    if (this.#closing || this.sinkHasEnded()) {
      if (this.#closedHere) this.#dropped = true
      else this.refuse()
      this.#warning.dropped()
      return
    }
    if (this.#paused) {
      this.send(data, this.#flushed)
      this.#warning.wroteWhilePaused(data.length, this.#high, this.buffered())
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
    this.#closedHere = true
    this.finish()
  }

  /** Closes the transport at once. The buffered bytes are lost. */
  abort(): void {
    this.#aborted = true
    this.#closing = true
    this.#closedHere = true
    if (!this.#lost) this.destroy()
  }

  /** Whether the transport is closed or closing. */
  isClosing(): boolean {
    return this.#closing
  }

  /** @internal whether the program has called `abort`. The sink may close only later. */
  get isAborted(): boolean {
    return this.#aborted
  }

  /**
   * @internal whether bytes were dropped, because they were written after `close` or `abort`, or after the sink had ended or
   * failed
   */
  get dropped(): boolean {
    return this.#dropped
  }

  /** @internal whether bytes were written after the sink had ended, although the program had not closed this transport */
  get refusedBytes(): boolean {
    return this.#refusedBytes
  }

  /** @internal the error with which the sink has failed, even if the protocol was not told yet; null if it has not failed */
  get failure(): Error | null {
    return this.sinkFailure()
  }

  /** @internal whether the sink may refuse the bytes of the last write, and report this later in this turn of the loop */
  get mayRefuse(): boolean {
    return false
  }

  /** @internal called by the StreamWriter that writes to this transport */
  hasWriter(): void {
    this.#warning.hasWriter = true
  }

  /** @internal `StreamWriter` calls this for each drain: code that drains needs no warning */
  drains(): void {
    this.#warning.drains()
  }

  getWriteBufferSize(): number {
    return this.buffered()
  }

  getWriteBufferLimits(): { low: number; high: number } {
    return { low: this.#low, high: this.#high }
  }

  /**
   * Sets how many buffered bytes make the protocol pause and resume. If only `high` is given, `low` is a quarter of it.
   * If only `low` is given, `high` is four times as much. If neither is given, sets the default limits.
   *
   * @throws {TypeError} when a limit is not a number
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

  /** Called by subclasses when the sink has failed and will close. Bytes that are written later are dropped. */
  protected closing(): void {
    this.#closing = true
  }

  /** Called when the bytes of the last write are lost, because the sink had ended before that write. */
  protected refuse(): void {
    this.#dropped = true
    this.#refusedBytes = true
  }

  /** Called by subclasses when the sink has closed, with `error` if it has failed. Only the first call counts. */
  protected lost(error: Error | null): void {
    if (this.#lost) return
    this.#lost = true
    this.#closing = true
    this.writeProtocol().connectionLost?.(error)
  }

  /**
   * Calls `callback` when `sink`, a Writable of Node, has accepted all bytes that are buffered now. If the sink fails,
   * `callback` is called with the error, or not at all. Subclasses that write to a Writable implement `whenFlushed` with
   * this method.
   */
  protected whenNodeFlushed(sink: Writable, callback: () => void): void {
    if (sink.writableEnded) {
      if (!sink.writableFinished) sink.once('finish', callback)
    } else if (sink.writableNeedDrain) sink.once('drain', callback)
    else if (sink.writable) sink.write('', callback)
  }

  #pause(): void {
    this.#paused = true
    this.#warning.paused()
    this.writeProtocol().pauseWriting?.()
    // The sink reports that it has accepted bytes only if this transport asks for it. Without this call, a protocol that
    // writes no more would stay paused.
    this.whenFlushed(this.#flushed)
  }

  /** Called when the sink has accepted bytes. If the sink has dropped the bytes, `error` is the reason. */
  readonly #flushed = (error?: Error | null): void => {
    if (error != null || !this.#paused || this.#lost || this.buffered() > this.#low) return
    this.#paused = false
    this.writeProtocol().resumeWriting?.()
  }
}

/**
 * Returns both water marks. A mark that is not given is computed from the other one. If neither is given, both are the
 * defaults.
 *
 * @throws {TypeError} when a mark is not a number
 * @throws {RangeError} unless high >= low >= 0
 */
function toWaterMarks(limits: WriteBufferLimits): { high: number; low: number } {
  checkOptions(limits)
  for (const name of ['high', 'low'] as const) {
    const mark = limits[name]
    if (mark !== undefined && typeof mark !== 'number') {
      throw new TypeError(`${name} is a number of bytes, got ${describe(mark)}`)
    }
  }
  const high = limits.high ?? (limits.low === undefined ? DEFAULT_HIGH_WATER : 4 * limits.low)
  const low = limits.low ?? Math.floor(high / 4)
  if (!(high >= low && low >= 0)) {
    throw new RangeError(`the limits must be high >= low >= 0 bytes, got ${high} and ${low}`)
  }
  return { high, low }
}
