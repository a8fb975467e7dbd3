import {
  checkpoint,
  detached,
  ensureFuture,
  isCancelled,
  RuntimeError,
  shielded,
} from '@tasktree/core'
import {
  cancelIsDue,
  cancelOnAbort,
  checkOptions,
  currentFrame,
  describe,
  type WaitDetails,
} from '@tasktree/core/lowlevel'
import type { Readable } from 'node:stream'
import { IncompleteReadError, LimitOverrunError } from './errors.ts'
import type { WaitOptions } from './wait-options.ts'
import { peerAddress } from './peer-address.ts'
import { PendingRead, PendingReads } from './pending-read.ts'
import { readFrom } from './reader-source.ts'
import { type CharacterWidth, lineText, newlines, widthOf } from './line-text.ts'
import { type ReadTransport, ReceiveBuffer } from './receive-buffer.ts'
import { toSeparators } from './separator-search.ts'
import { type Bytes, toBuffer } from './to-buffer.ts'

const DEFAULT_LIMIT = 65_536
/** How many milliseconds the source has to close in a cancelled scope. */
const CLOSE_GRACE = 5_000

export interface StreamReaderOptions {
  /**
   * The longest line, in bytes without its `\n`. When more than twice the limit is buffered, the source is paused, until at
   * most the limit is left or a read must wait. `Infinity` means no limit.
   *
   * @defaultValue 65536
   */
  limit?: number | undefined
}

/**
 * Reads the bytes that arrive from a source: by line, by count or up to a separator. Only one read may wait at a time. A
 * cancelled read consumes nothing. The result of a read is a view of the received chunk if one chunk holds it. If the
 * chunk has more than 16 KiB, and the view would be at most one eighth of its memory, the result is a copy, so that a
 * small record which the caller keeps does not keep a large chunk in memory.
 *
 * @example
 *     import { Readable } from 'node:stream'
 *
 *     await using reader = StreamReader.from(Readable.from(['name: Ada\n', 'age: ', '36\n']))
 *     for await (const line of reader.lines()) console.log(line) // name: Ada, then age: 36
 *
 * Source: asyncio.StreamReader
 */
export class StreamReader implements AsyncIterable<Buffer>, AsyncDisposable {
  /** @internal the name that users see; without it, a bundler may rename the class to `_StreamReader` */
  static readonly name: string = 'StreamReader'

  readonly #buffer: ReceiveBuffer
  /** The error that every read throws at once; null when there is none. */
  #exception: Error | null = null
  #closing: Promise<void> | null = null
  readonly #reads = new PendingReads({
    details: (what) => this.#details(what),
    mayEnd: () => this.#buffer.length > 0 || this.#buffer.ended || this.#exception !== null,
    stillWaits: () => {
      if (this.#exception !== null) throw this.#exception
      this.#buffer.resume()
    },
  })

  constructor(options: StreamReaderOptions = {}) {
    checkOptions(options)
    const limit = options.limit ?? DEFAULT_LIMIT
    if (typeof limit !== 'number') {
      throw new TypeError(`limit must be a number of bytes, got ${describe(limit)}`)
    }
    if (!(limit > 0)) throw new RangeError(`limit must be above 0 bytes, got ${limit}`)
    if (limit !== Infinity && !Number.isInteger(limit)) {
      throw new RangeError(`limit must be a whole number of bytes, or Infinity, got ${limit}`)
    }
    this.#buffer = new ReceiveBuffer(limit)
  }

  /**
   * Returns a reader of `source`. The reader pauses the source when it buffers more than twice the limit. When the source
   * fails, reads first return the bytes that came before. A read that needs more bytes throws the error. `close()` closes
   * the source.
   *
   * @throws {TypeError} when `source` is not a Readable, a ReadableStream or an async iterable, or when it is a
   * ReadableStream that is locked
   */
  static from(
    source: Readable | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>,
    options?: StreamReaderOptions,
  ): StreamReader {
    const reader = new StreamReader(options)
    readFrom(source, reader)
    return reader
  }

  get limit(): number {
    return this.#buffer.limit
  }

  /**
   * Reads up to `n` bytes, and at least one unless the stream has ended. With -1, reads all bytes until the end. If a read
   * of up to `n` bytes must wait, the result may be a Future. A Future is used like a Promise, but is not an instance of
   * Promise.
   *
   * @param n how many bytes at most; -1 for all bytes until the end. @defaultValue -1
   * @throws {TypeError} when `n` is not a whole number
   * @throws {RuntimeError} when another read is waiting
   */
  read(n = -1, options?: WaitOptions): Promise<Buffer> {
    if (!Number.isInteger(n)) {
      throw new TypeError(`read takes a whole number of bytes, got ${describe(n)}`)
    }
    checkOptions(options)
    if (n < 0) return this.#start('read', Infinity, () => this.#buffer.tryAll(), options)
    const attempt = (): Buffer | null => this.#buffer.trySome(n)
    if (this.#reads.first !== null || this.#exception !== null || n === 0 || this.#buffer.ended) {
      return this.#startFuture('read', 0, attempt, options) as Promise<Buffer>
    }
    if (this.#buffer.length === 0) return this.#wait('read', 0, attempt, options) as Promise<Buffer>
    if (!cancelIsDue()) return Promise.resolve(this.#buffer.takeSome(n))
    return afterCheckpoint(() => this.read(n, options))
  }

  /**
   * Reads a line including its `\n`. At the end of the stream, returns the remaining bytes, which may be none.
   *
   * @throws {LimitOverrunError} when the line is longer than the limit. The bytes of the line that have arrived are dropped;
   * the rest is read as the next line
   * @throws {RuntimeError} when another read is waiting
   *
   * Source: asyncio.StreamReader.readline. Differs: a LimitOverrunError in place of ValueError.
   */
  readLine(options?: WaitOptions): Promise<Buffer> {
    checkOptions(options)
    return this.#startLine(1, options)
  }

  /**
   * Reads exactly `n` bytes.
   *
   * @throws {TypeError} when `n` is not a whole number
   * @throws {RangeError} when `n` is below 0
   * @throws {IncompleteReadError} when the stream ends before `n` bytes have arrived; `partial` of the error has the bytes
   * that arrived
   * @throws {RuntimeError} when another read is waiting
   */
  readExactly(n: number, options?: WaitOptions): Promise<Buffer> {
    checkLength('readExactly', n)
    checkOptions(options)
    return this.#start('readExactly', n, () => this.#buffer.tryExactly(n), options)
  }

  /**
   * Reads up to and including the first separator. If there are several separators, the one whose end
   * comes first in the stream counts.
   *
   * @throws {TypeError} when a separator is not bytes
   * @throws {RangeError} when a separator is empty, or the list of separators is empty
   * @throws {IncompleteReadError} when the stream ends before a separator; `partial` of the error has the bytes that arrived
   * @throws {LimitOverrunError} when there is no separator within the limit; no bytes are consumed
   * @throws {RuntimeError} when another read is waiting
   */
  readUntil(separator: Bytes | readonly Bytes[] = '\n', options?: WaitOptions): Promise<Buffer> {
    checkOptions(options)
    return this.#start('readUntil', 0, this.#buffer.search(toSeparators(separator), 1), options)
  }

  /**
   * Waits until there is at least one byte, and then copies as many buffered bytes into `target` as fit. Does not wait if
   * `target` is empty.
   *
   * @returns how many bytes were written into `target`; 0 at the end of the stream
   * @throws {TypeError} when `target` is not a Uint8Array
   * @throws {RuntimeError} when another read is waiting
   */
  readInto(target: Uint8Array, options?: WaitOptions): Promise<number> {
    if (!(target instanceof Uint8Array)) {
      throw new TypeError(`readInto takes a Buffer or Uint8Array to fill, got ${describe(target)}`)
    }
    checkOptions(options)
    return this.#start('readInto', 0, () => this.#buffer.tryInto(target), options)
  }

  /**
   * Returns the next `n` bytes and keeps them in the reader. Returns fewer bytes if the stream ends before `n` bytes have
   * arrived.
   *
   * @throws {TypeError} when `n` is not a whole number
   * @throws {RangeError} when `n` is below 0
   * @throws {RuntimeError} when another read is waiting
   */
  peek(n: number, options?: WaitOptions): Promise<Buffer> {
    checkLength('peek', n)
    checkOptions(options)
    return this.#start('peek', n, () => this.#buffer.tryPeek(n), options)
  }

  /**
   * Puts bytes back at the front of the buffer: the next read returns them first.
   *
   * @throws {TypeError} when `data` is not bytes
   * @throws {RuntimeError} while a read is waiting, and after `close`
   */
  unread(data: Uint8Array | string): void {
    const bytes = toBuffer(data)
    if (this.#closing !== null) throw new RuntimeError('unread() after close()')
    const refusal = this.#reads.refusal('unread')
    if (refusal !== null) throw refusal
    this.#buffer.unshift(bytes)
    this.#buffer.pauseIfFull(this.#reads.first?.needs)
  }

  /**
   * Yields the lines as strings, without their `\n` or `\r\n`.
   *
   * @throws {RangeError} when Node has no such encoding
   */
  lines(encoding: BufferEncoding = 'utf8', options?: WaitOptions): AsyncIterable<string> {
    if (!Buffer.isEncoding(encoding)) {
      throw new RangeError(`lines takes an encoding like 'utf8', got ${describe(encoding)}`)
    }
    checkOptions(options)
    return this.#lines(encoding, options)
  }

  /** Yields the lines, as `readLine` returns them, until the end of the stream. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return {
      next: async () => {
        const value = await this.readLine()
        return value.length === 0 ? { done: true, value: undefined } : { done: false, value }
      },
    }
  }

  /** Whether the stream has ended without an error and all bytes were read. */
  atEof(): boolean {
    return this.#buffer.ended && this.#buffer.failure === null && this.#buffer.length === 0
  }

  /** Returns the error with which the source has failed, or, after `close`, a RuntimeError; null when there is no error. */
  exception(): Error | null {
    return this.#exception ?? this.#buffer.failure
  }

  /**
   * Closes the source: destroys a Node stream, cancels a web stream, or calls `return` of the iterator of an iterable. If
   * the source is a connection of `openConnection` or a server, closes the connection after the bytes that are buffered for
   * writing have been sent. Unread bytes are dropped; later reads throw RuntimeError.
   *
   * @returns a promise that resolves when the source has closed, and rejects with the error with which closing failed
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return waitForShared(this.#closing)
  }

  /** Closes the source and waits until it has closed; in a cancelled scope for at most 5 seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.close()
    } catch (error) {
      if (isCancelled(error) && currentFrame()?.isLevelCancelled() === true) {
        await shielded(() => this.close(), { grace: CLOSE_GRACE })
      }
      throw error
    }
  }

  /** For protocols: adds bytes that have arrived. Do not change `chunk` later, because reads return views of it. */
  feedData(chunk: Uint8Array | string): void {
    if (this.#closing !== null) return
    if (this.#buffer.ended) throw new RuntimeError('feedData() after feedEof()')
    const bytes = toBuffer(chunk)
    if (bytes.length === 0) return
    this.#buffer.push(bytes)
    const { first } = this.#reads
    if (first !== null && this.#buffer.length >= first.needs) first.wake()
    this.#buffer.pauseIfFull(this.#reads.first?.needs)
  }

  /**
   * For protocols: tells the reader that no more bytes will arrive. With an `error` the stream has failed: reads return
   * the bytes that arrived before, and a read that needs more bytes throws `error`.
   */
  feedEof(error: Error | null = null): void {
    if (this.#buffer.ended) return
    this.#buffer.end(error)
    this.#reads.first?.wake()
  }

  /**
   * For protocols: tells the reader that reading has failed. Every later read throws `error` at once. A pending read
   * throws it too, unless the bytes that have arrived are enough for it.
   *
   * Source: asyncio.StreamReader.set_exception
   */
  setException(error: Error): void {
    this.#exception = error
    this.#reads.failAll(error)
  }

  /** For protocols: sets the source, which the reader pauses while its buffer is full. */
  setTransport(transport: ReadTransport): void {
    this.#buffer.setTransport(transport)
  }

  /** For transports: removes and returns the unread bytes. A transport that begins TLS passes them to TLS. */
  takeUnread(): Buffer {
    return this.#buffer.takeUnread()
  }

  /**
   * Closes the source outside of every task. Several tasks may wait in `close`, and a cancel of one of them must not cancel
   * the closing.
   */
  #close(): Promise<void> {
    const error = new RuntimeError('the reader was closed')
    this.#buffer.drop(error)
    this.setException(error)
    const { transport } = this.#buffer
    return detached(async () => transport?.close?.())
  }

  /** Starts a read: returns the bytes at once if they are there, and waits otherwise. */
  #start<T>(
    what: string,
    needs: number,
    attempt: () => T | null,
    options: WaitOptions | undefined,
  ): Promise<T> {
    const result = this.#startFuture(what, needs, attempt, options)
    return result instanceof PendingRead ? waitFor(result) : result
  }

  /**
   * Starts a read as `#start` does. If the read must wait, this function returns the future itself, and not a promise of
   * it. This saves a busy connection some microtasks for each read.
   */
  #startFuture<T>(
    what: string,
    needs: number,
    attempt: () => T | null,
    options: WaitOptions | undefined,
  ): Promise<T> | PendingRead<T> {
    if (this.#reads.first === null) {
      if (cancelIsDue())
        return afterCheckpoint(() => this.#startFuture(what, needs, attempt, options))
      try {
        if (this.#exception !== null) throw this.#exception
        const taken = attempt()
        if (taken !== null) return Promise.resolve(taken)
      } catch (error) {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- an Error of ours
        return Promise.reject(error)
      }
    } else {
      const refusal = this.#reads.refusal(what)
      if (refusal !== null) return Promise.reject(refusal)
    }
    return this.#wait(what, needs, attempt, options)
  }

  #wait<T>(
    what: string,
    needs: number,
    attempt: () => T | null,
    options: WaitOptions | undefined,
  ): PendingRead<T> {
    const read = this.#reads.add(what, needs, attempt)
    this.#buffer.resume()
    return cancelOnAbort(read, options?.signal)
  }

  #details(what: string): WaitDetails {
    const peer = peerAddress(this.#buffer.transport)
    const of = peer === null ? 'a stream' : `the connection to ${peer}`
    return {
      kind: peer === null ? 'read' : 'socket',
      label: `bytes of ${of}`,
      note: `in ${what}(), ${this.#buffer.received} bytes so far`,
    }
  }

  /** Starts to read a line in an encoding in which a line feed has `width` bytes. */
  #startLine(width: CharacterWidth, options: WaitOptions | undefined): Promise<Buffer> {
    if (width === 1 && this.#reads.first === null && this.#exception === null) {
      const length = this.#buffer.lineLength()
      if (length !== 0 && !cancelIsDue()) return Promise.resolve(this.#buffer.take(length))
    }
    const search = this.#buffer.search([newlines[width]], width)
    const attempt = (): Buffer | null => {
      try {
        return search()
      } catch (error) {
        if (error instanceof IncompleteReadError) return error.partial
        if (error instanceof LimitOverrunError) this.#buffer.dropLine(error.consumed, width)
        throw error
      }
    }
    return this.#start('readLine', 0, attempt, options)
  }

  async *#lines(
    encoding: BufferEncoding,
    options: WaitOptions | undefined,
  ): AsyncGenerator<string, void> {
    for (;;) {
      const line = await this.#startLine(widthOf(encoding), options)
      if (line.length === 0) return
      yield lineText(line, encoding)
    }
  }
}

/**
 * Begins a read after a turn of the loop. Callers use this function when a cancel is due: the cancel ends the wait for
 * that turn, and no byte is taken. Without that wait, a loop that always finds bytes in the buffer would never be
 * cancelled.
 */
async function afterCheckpoint<T>(read: () => PromiseLike<T>): Promise<T> {
  await checkpoint()
  return await read()
}

/**
 * Waits for a read in an async function. A caller may call `then` on the promise of this function, and let a task await
 * the promise that `then` returns. A cancel of this task then still reaches the read, because the async function awaits
 * the read as a part of the task.
 */
async function waitFor<T>(read: PendingRead<T>): Promise<T> {
  return await read
}

/** Waits for a promise that other callers may wait for too. A cancel ends only this wait. */
async function waitForShared(promise: Promise<void>): Promise<void> {
  await ensureFuture(promise)
}

function checkLength(call: string, n: number): void {
  if (!Number.isInteger(n)) {
    throw new TypeError(`${call} takes a whole number of bytes, got ${describe(n)}`)
  }
  if (n < 0) throw new RangeError(`${call} takes 0 bytes or more, got ${n}`)
}
