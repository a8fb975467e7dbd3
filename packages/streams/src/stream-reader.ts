import { type CancelledError, currentTask, Future, RuntimeError, type Task } from '@tasktree/core'
import { cancelOnAbort, checkOptions, Claim, describe } from '@tasktree/core/lowlevel'
import type { Readable } from 'node:stream'
import { ByteQueue } from './byte-queue.ts'
import { IncompleteReadError, LimitOverrunError } from './errors.ts'
import { readFrom } from './source.ts'
import type { WaitOptions } from './waiters.ts'

const DEFAULT_LIMIT = 65_536

export interface StreamReaderOptions {
  /** The longest line, in bytes; the source is paused when twice as much is buffered. @defaultValue 65536 */
  limit?: number | undefined
}

/** What a reader pauses when nobody reads. */
export interface ReadTransport {
  pauseReading(): void
  resumeReading(): void
}

/** Up to so many bytes a read gathers from several chunks. */
const COPIED = 4096

type Bytes = Uint8Array | string

const NEWLINE: readonly Buffer[] = [Buffer.from('\n')]

/** A read of some bytes that waits: it takes them in its own turn, and so a cancel before that takes none. */
class Read extends Claim<Buffer> {
  readonly #n: number
  readonly #take: (n: number) => Buffer
  readonly #forget: (read: Read) => void

  constructor(n: number, take: (n: number) => Buffer, forget: (read: Read) => void) {
    super()
    this.#n = n
    this.#take = take
    this.#forget = forget
  }

  override cancel(msg?: string | CancelledError): boolean {
    const cancelled = super.cancel(msg)
    if (cancelled) this.#forget(this)
    return cancelled
  }

  protected override claim(): void {
    this.#forget(this)
    this.setResult(this.#take(this.#n))
  }

  protected override decline(): void {
    this.#forget(this)
  }
}

/**
 * Bytes that arrive, to be awaited by line, by count or by separator. One read at a time; a cancelled
 * read consumes nothing. What a read returns is a view of the received chunk wherever one chunk holds it.
 *
 * Source: asyncio.StreamReader
 */
export class StreamReader implements AsyncIterable<Buffer> {
  /** @internal the bundler calls a class that names itself `_StreamReader` */
  static readonly name: string = 'StreamReader'

  readonly #buffer = new ByteQueue()
  readonly #limit: number
  #eof = false
  #exception: Error | null = null
  #transport: ReadTransport | null = null
  #paused = false
  /** The read that waits: its future, its method and its task. */
  #waiter: Future<void> | Read | null = null
  #waiting = ''
  #waitingTask: Task | null = null

  constructor(options: StreamReaderOptions = {}) {
    const limit = options.limit ?? DEFAULT_LIMIT
    if (typeof limit !== 'number') {
      throw new TypeError(`limit must be a number of bytes, got ${describe(limit)}`)
    }
    if (!(limit > 0)) throw new RangeError(`limit must be above 0 bytes, got ${limit}`)
    this.#limit = limit
  }

  /**
   * A reader of what `source` gives. It reads ahead up to twice the limit; an error of the source is
   * thrown by the next read.
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
    return this.#limit
  }

  /**
   * Up to `n` bytes, at least one unless the stream has ended; with -1 all until the end. What waits is a
   * Future, as every operation of the library: no instance of Promise, though it is used like one.
   *
   * @param n bytes. @defaultValue -1
   * @throws {TypeError} when `n` is no whole number
   * @throws {RuntimeError} when another read is waiting
   */
  read(n = -1, options?: WaitOptions): Promise<Buffer> {
    if (!Number.isInteger(n)) {
      throw new TypeError(`read takes a whole number of bytes, got ${describe(n)}`)
    }
    checkOptions(options)
    if (n > 0 && this.#isFree()) {
      if (this.#buffer.length > 0) return Promise.resolve(this.#takeSome(n))
      if (!this.#eof) return this.#readNext(n, options)
    }
    return n < 0 ? this.#readAll(options) : this.#read(n)
  }

  /**
   * A line with its `\n`; at the end of the stream what is left, which may be empty.
   *
   * @throws {LimitOverrunError} when the line is longer than the limit; it, or what has come of it, is dropped
   * @throws {RuntimeError} when another read is waiting
   *
   * Source: asyncio.StreamReader.readline. Differs: a LimitOverrunError in place of ValueError.
   */
  readLine(options?: WaitOptions): Promise<Buffer> {
    checkOptions(options)
    if (this.#isFree()) {
      const at = this.#buffer.indexOf(NEWLINE[0] as Buffer, 0)
      if (at !== -1 && at <= this.#limit) return Promise.resolve(this.#take(at + 1))
    }
    return this.#readLine(options)
  }

  /**
   * Exactly `n` bytes.
   *
   * @throws {TypeError} when `n` is no whole number
   * @throws {RangeError} when it is below 0
   * @throws {IncompleteReadError} when the stream ends before; what came is its `partial`
   * @throws {RuntimeError} when another read is waiting
   */
  readExactly(n: number, options?: WaitOptions): Promise<Buffer> {
    if (!Number.isInteger(n)) {
      throw new TypeError(`readExactly takes a whole number of bytes, got ${describe(n)}`)
    }
    if (n < 0) throw new RangeError(`readExactly takes 0 bytes or more, got ${n}`)
    checkOptions(options)
    if (this.#buffer.length >= n && this.#isFree()) return Promise.resolve(this.#take(n))
    return this.#readExactly(n, options)
  }

  /**
   * Everything up to and with the first separator; of several, the one that ends first.
   *
   * @throws {TypeError} when a separator is no bytes
   * @throws {RangeError} for an empty one, and for none
   * @throws {IncompleteReadError} when the stream ends before; what came is its `partial`
   * @throws {LimitOverrunError} when there is none within the limit; nothing is consumed
   * @throws {RuntimeError} when another read is waiting
   */
  readUntil(separator: Bytes | readonly Bytes[] = '\n', options?: WaitOptions): Promise<Buffer> {
    checkOptions(options)
    return this.#readUntil(toSeparators(separator), 'readUntil', options)
  }

  /** The lines, decoded and without their `\n` or `\r\n`. */
  lines(encoding: BufferEncoding = 'utf8', options?: WaitOptions): AsyncIterable<string> {
    if (!Buffer.isEncoding(encoding)) {
      throw new RangeError(`lines takes an encoding like 'utf8', got ${describe(encoding)}`)
    }
    checkOptions(options)
    return this.#lines(encoding, options)
  }

  /** Its lines, as `readLine` returns them, until the end. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return {
      next: async () => {
        const value = await this.readLine()
        return value.length === 0 ? { done: true, value: undefined } : { done: false, value }
      },
    }
  }

  /** Whether the stream has ended and everything was read. */
  atEof(): boolean {
    return this.#eof && this.#buffer.length === 0
  }

  /** What the source failed with; every read throws it. */
  exception(): Error | null {
    return this.#exception
  }

  /** For protocols: these bytes have arrived. The reader keeps `chunk` and gives out views of it. */
  feedData(chunk: Uint8Array | string): void {
    if (this.#eof) throw new RuntimeError('feedData() after feedEof()')
    const bytes = toBuffer(chunk)
    if (bytes.length === 0) return
    this.#buffer.push(bytes)
    this.#wake()
    if (this.#transport === null || this.#paused || this.#buffer.length <= 2 * this.#limit) return
    this.#paused = true
    this.#transport.pauseReading()
  }

  /** For protocols: no more will arrive. */
  feedEof(): void {
    this.#eof = true
    this.#wake()
  }

  /** For protocols: reading has failed. A read that waits throws `error`, and so does every later one. */
  setException(error: Error): void {
    this.#exception = error
    const waiter = this.#waiter
    if (waiter === null || waiter.done()) return
    if (waiter instanceof Read) this.#disarm()
    waiter.setException(error)
  }

  /** For protocols: what to pause while nobody reads. */
  setTransport(transport: ReadTransport): void {
    this.#transport = transport
    this.#paused = false
  }

  #wake(): void {
    const waiter = this.#waiter
    if (waiter instanceof Read) waiter.wake()
    else if (waiter !== null && !waiter.done()) waiter.setResult(undefined)
  }

  #isFree(): boolean {
    return this.#waiter === null && this.#exception === null
  }

  #take(n: number): Buffer {
    const bytes = this.#buffer.take(Math.min(n, this.#buffer.length))
    if (this.#paused && this.#buffer.length <= this.#limit) this.#resume()
    return bytes
  }

  /** Small chunks together, since each read costs more than the copy; of large ones the first, as a view. */
  #takeSome(n: number): Buffer {
    const some = Math.min(n, this.#buffer.length)
    return this.#take(some <= COPIED ? some : Math.min(some, this.#buffer.firstLength))
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#transport?.resumeReading()
  }

  #assertReadable(what: string): void {
    if (this.#waiter !== null) {
      throw new RuntimeError(
        `${what}() called while another task waits for data on this reader: ${this.#waiting}() of ${this.#waitingTask?.name ?? 'plain code'}`,
      )
    }
    if (this.#exception !== null) throw this.#exception
  }

  /**
   * Most reads of a busy connection come here: the future is the read itself, with no async function
   * around it that would cost each of them a few more turns of the microtask queue.
   */
  #readNext(n: number, options: WaitOptions | undefined): Promise<Buffer> {
    const read = new Read(n, this.#taker, this.#forgetter)
    this.#setWaiter('read', read)
    return cancelOnAbort(read, options?.signal) as unknown as Promise<Buffer>
  }

  readonly #taker = (n: number): Buffer => this.#takeSome(n)

  readonly #forgetter = (read: Read): void => {
    if (this.#waiter === read) this.#disarm()
  }

  /** Pending until something has changed: more data, the end or an error. `#disarm` must follow. */
  #arm(what: string, options: WaitOptions | undefined): Future<void> {
    const waiter = new Future<void>()
    this.#setWaiter(what, waiter)
    return cancelOnAbort(waiter, options?.signal)
  }

  #setWaiter(what: string, waiter: Future<void> | Read): void {
    this.#waiter = waiter
    this.#waiting = what
    this.#waitingTask = currentTask()
    this.#resume()
  }

  #disarm(): void {
    this.#waiter = null
    this.#waitingTask = null
  }

  async #wait(what: string, options: WaitOptions | undefined): Promise<void> {
    try {
      await this.#arm(what, options)
    } finally {
      this.#disarm()
    }
  }

  /** Of no bytes, or at the end; or of a reader that cannot be read. */
  async #read(n: number): Promise<Buffer> {
    this.#assertReadable('read')
    return this.#takeSome(n)
  }

  /** Blocks leave the buffer only at the end, so that a cancelled read consumes nothing. */
  async #readAll(options: WaitOptions | undefined): Promise<Buffer> {
    this.#assertReadable('read')
    while (!this.#eof) await this.#wait('read', options)
    return this.#take(this.#buffer.length)
  }

  async #readExactly(n: number, options: WaitOptions | undefined): Promise<Buffer> {
    this.#assertReadable('readExactly')
    while (this.#buffer.length < n) {
      if (this.#eof) throw new IncompleteReadError(this.#take(this.#buffer.length), n)
      await this.#wait('readExactly', options)
    }
    return this.#take(n)
  }

  async #readLine(options: WaitOptions | undefined): Promise<Buffer> {
    try {
      return await this.#readUntil(NEWLINE, 'readLine', options)
    } catch (error) {
      if (error instanceof IncompleteReadError) return error.partial
      if (error instanceof LimitOverrunError) this.#dropLine(error.consumed)
      throw error
    }
  }

  #dropLine(length: number): void {
    const at = this.#buffer.indexOf(NEWLINE[0] as Buffer, length)
    this.#take(at === length ? length + 1 : this.#buffer.length)
  }

  async #readUntil(
    separators: readonly Buffer[],
    what: string,
    options: WaitOptions | undefined,
  ): Promise<Buffer> {
    this.#assertReadable(what)
    const buffer = this.#buffer
    const longest = (separators.at(-1) as Buffer).length
    let from = 0
    for (;;) {
      let start = -1
      let end = Infinity
      for (const separator of separators) {
        const at = buffer.indexOf(separator, from)
        if (at === -1 || at + separator.length >= end) continue
        start = at
        end = at + separator.length
      }
      if (start > this.#limit) {
        throw new LimitOverrunError(
          `the separator comes after ${start} bytes, over the limit of ${this.#limit}`,
          start,
        )
      }
      if (start !== -1) return this.#take(end)
      from = Math.max(0, buffer.length + 1 - longest)
      if (from > this.#limit) {
        throw new LimitOverrunError(
          `no separator in ${from} bytes, over the limit of ${this.#limit}`,
          from,
        )
      }
      if (this.#eof) throw new IncompleteReadError(this.#take(buffer.length), null)
      await this.#wait(what, options)
    }
  }

  async *#lines(
    encoding: BufferEncoding,
    options: WaitOptions | undefined,
  ): AsyncGenerator<string, void> {
    for (;;) {
      const line = await this.readLine(options)
      let end = line.length
      if (end === 0) return
      if (line[end - 1] === 10) end -= line[end - 2] === 13 ? 2 : 1
      yield line.toString(encoding, 0, end)
    }
  }
}

/** Shortest first, so that of two that end at one place the shorter wins. */
function toSeparators(separator: Bytes | readonly Bytes[]): readonly Buffer[] {
  const list = Array.isArray(separator) ? (separator as Bytes[]) : [separator as Bytes]
  if (list.length === 0) throw new RangeError('readUntil takes at least one separator, got none')
  const buffers = list.map((one) => toBuffer(one))
  if (buffers.some((one) => one.length === 0)) {
    throw new RangeError('readUntil takes separators of at least one byte, got an empty one')
  }
  return buffers.length === 1 ? buffers : buffers.toSorted((a, b) => a.length - b.length)
}

function toBuffer(data: Uint8Array | string): Buffer {
  if (Buffer.isBuffer(data)) return data
  if (typeof data === 'string') return Buffer.from(data)
  if (data instanceof Uint8Array) return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  throw new TypeError(`expected a Buffer, Uint8Array or string, got ${describe(data)}`)
}
