import { RuntimeError } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import type { WriteProtocol } from './flow-control.ts'

/** Warned when so many times the high-water mark was written without a drain. */
const UNDRAINED = 16

export interface WriteBufferLimits {
  /** Bytes over which the protocol is told to pause. */
  high?: number | undefined
  /** Bytes at or under which it may go on. */
  low?: number | undefined
}

/**
 * The writing side of a transport over any sink: it tells its protocol when to pause and to go on, and
 * how it ended. What is written after the end is dropped with one warning, so that a producer that has
 * not noticed yet floods nobody; its next drain throws.
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

  /** Bytes that the sink has not taken yet */
  protected abstract buffered(): number
  /** Hands bytes to the sink; `flushed` is called when it has taken them. */
  protected abstract send(data: Uint8Array | string, flushed: (() => void) | undefined): void
  /** Ends the writing side after what is buffered. */
  protected abstract end(): void
  /** Closes all of it after what is buffered. */
  protected abstract finish(): void
  /** Closes at once and drops what is buffered. */
  protected abstract destroy(): void
  protected abstract writeProtocol(): WriteProtocol

  /** Hands `data` on; it must not be changed until it is drained. Never waits. */
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

  /** Ends the writing side after what is buffered; a second call does nothing. */
  writeEof(): void {
    if (this.#closing || this.#eof) return
    this.#eof = true
    this.end()
  }

  canWriteEof(): boolean {
    return true
  }

  /** Closes after what is buffered; reads end at once. */
  close(): void {
    if (this.#closing) return
    this.#closing = true
    this.finish()
  }

  /** Closes at once; what is buffered is lost. */
  abort(): void {
    this.#closing = true
    if (!this.#lost) this.destroy()
  }

  /** Whether it is closed or about to be. */
  isClosing(): boolean {
    return this.#closing
  }

  /** @internal whether something was written too late, and is lost */
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

  /** For subclasses: the peer or the sink has ended it; what is written from now on is dropped. */
  protected closing(): void {
    this.#closing = true
  }

  /** For subclasses, once: it is gone. */
  protected lost(error: Error | null): void {
    if (this.#lost) return
    this.#lost = true
    this.#closing = true
    this.writeProtocol().connectionLost?.(error)
  }

  #pause(): void {
    this.#paused = true
    this.#undrained = 0
    this.writeProtocol().pauseWriting?.()
    // Something must tell when the sink has caught up, also if nothing more is written.
    this.whenFlushed(this.#flushed)
  }

  /** For subclasses: calls back when what is buffered now has been taken. */
  protected abstract whenFlushed(callback: () => void): void

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
