/**
 * The buffer of a StreamReader. It holds the bytes that were received and not read yet, and after them the end or the
 * failure of the stream.
 *
 * The buffer stays small because it controls the source of the bytes. It pauses the source when it holds more than twice
 * `limit`, and resumes the source when at most `limit` is left, or when a read must wait. If the source were paused while
 * a read waits for more bytes than twice `limit`, the read would never end. So the source is not paused while the pending
 * read needs more bytes than there are.
 *
 * The `try` methods take bytes for a read. They return null, and take nothing, when the read must wait. If the stream has
 * failed, a read that needs more bytes than there are takes nothing, and throws the failure.
 */
import { ByteQueue } from './byte-queue.ts'
import { IncompleteReadError } from './errors.ts'
import { type CharacterWidth, newlines } from './line-text.ts'
import { findSeparator, SeparatorSearch } from './separator-search.ts'

/** The methods by which a reader controls its source. */
export interface ReadTransport {
  pauseReading(): void
  resumeReading(): void
  /** Closes the source. The promise settles when the source has closed. */
  close?(): PromiseLike<void> | void
}

/**
 * A read of at most this many bytes may be copied together from several chunks, because a second read would cost more
 * than the copy.
 */
const GATHERED = 4096

export class ReceiveBuffer {
  readonly limit: number
  readonly #bytes = new ByteQueue()
  #ended = false
  #failure: Error | null = null
  #transport: ReadTransport | null = null
  #paused = false
  #received = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get length(): number {
    return this.#bytes.length
  }

  /** Whether no more bytes will arrive. */
  get ended(): boolean {
    return this.#ended
  }

  /** The error that reads throw after the last byte; null when the stream has not ended, or has ended normally. */
  get failure(): Error | null {
    return this.#failure
  }

  /** How many bytes have arrived so far. */
  get received(): number {
    return this.#received
  }

  get transport(): ReadTransport | null {
    return this.#transport
  }

  setTransport(transport: ReadTransport): void {
    this.#transport = transport
    this.#paused = false
  }

  push(chunk: Buffer): void {
    this.#received += chunk.length
    this.#bytes.push(chunk)
  }

  /** Adds `chunk` at the front. */
  unshift(chunk: Buffer): void {
    this.#bytes.unshift(chunk)
  }

  end(failure: Error | null): void {
    this.#ended = true
    this.#failure = failure
  }

  /** Drops the bytes, and ends the stream with `failure`. Does nothing if the stream has ended and has no bytes left. */
  drop(failure: Error): void {
    if (this.#ended && this.length === 0) return
    this.#bytes.clear()
    this.end(failure)
  }

  /** Pauses the source if the buffer is full. `needs` is how many bytes the pending read needs. */
  pauseIfFull(needs = 0): void {
    if (this.#transport === null || this.#paused || this.length <= 2 * this.limit) return
    if (this.length < needs) return
    this.#paused = true
    this.#transport.pauseReading()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#transport?.resumeReading()
  }

  #resumeIfLow(): void {
    if (this.#paused && this.length <= this.limit) this.resume()
  }

  take(n: number): Buffer {
    const bytes = this.#bytes.take(n)
    this.#resumeIfLow()
    return bytes
  }

  /** Takes all bytes, even if a pending read has searched them already. */
  takeUnread(): Buffer {
    const bytes = this.#bytes.takeAll()
    this.#resumeIfLow()
    return bytes
  }

  /**
   * Takes up to `n` bytes. At most 4 KiB are copied together from several chunks. If `n` is more than 4 KiB, and the buffer
   * has more than 4 KiB, only bytes of the first chunk are taken, which may be fewer than `n`.
   */
  takeSome(n: number): Buffer {
    const some = Math.min(n, this.length)
    return this.take(some <= GATHERED ? some : Math.min(some, this.#bytes.firstLength))
  }

  trySome(n: number): Buffer | null {
    if (n === 0 || this.length > 0) return this.takeSome(n)
    return this.#ended ? this.#takeNothing() : null
  }

  tryAll(): Buffer | null {
    if (!this.#ended) return null
    if (this.#failure !== null) throw this.#failure
    return this.take(this.length)
  }

  tryExactly(n: number): Buffer | null {
    if (this.length >= n) return this.take(n)
    if (!this.#ended) return null
    if (this.#failure !== null) throw this.#failure
    throw new IncompleteReadError(this.take(this.length), n)
  }

  tryInto(target: Uint8Array): number | null {
    if (target.length > 0 && this.length === 0) {
      return this.#ended ? this.#takeNothing().length : null
    }
    const n = this.#bytes.takeInto(target)
    this.#resumeIfLow()
    return n
  }

  tryPeek(n: number): Buffer | null {
    const there = Math.min(n, this.length)
    if (there < n && !this.#ended) return null
    if (there < n && this.#failure !== null) throw this.#failure
    return this.#bytes.peek(there)
  }

  /**
   * Called when all bytes were read. Returns an empty Buffer at the normal end of the stream, and throws if the stream
   * failed.
   */
  #takeNothing(): Buffer {
    if (this.#failure !== null) throw this.#failure
    return this.take(0)
  }

  /** Returns the length of the first line, with its `\n`; 0 if the line is not complete or is longer than the limit. */
  lineLength(): number {
    const at = this.#bytes.indexOf(newlines[1], 0)
    return at <= this.limit ? at + 1 : 0
  }

  /**
   * Returns a function that takes the bytes up to and including a separator. If no separator has arrived yet, the function
   * takes nothing and returns null.
   */
  search(separators: readonly Buffer[], width: CharacterWidth): () => Buffer | null {
    const search = new SeparatorSearch(this.#bytes, separators, width, this.limit)
    return () => {
      const length = search.next()
      if (length !== null) return this.take(length)
      if (!this.#ended) return null
      if (this.#failure !== null) throw this.#failure
      throw new IncompleteReadError(this.take(this.length), null)
    }
  }

  /**
   * Drops a line that is longer than the limit, as far as the line has arrived. The first `length` bytes have no line feed
   * in them. In UTF-16, the first byte of a character whose second byte has not arrived yet stays in the buffer. Otherwise
   * all later characters would begin at an odd position.
   */
  dropLine(length: number, width: CharacterWidth): void {
    const at = findSeparator(this.#bytes, newlines[width], length, width)
    this.take(at === length ? length + width : this.length - (this.length % width))
  }
}
