import type { Readable } from 'node:stream'
import { Future, RuntimeError } from '@tasktree/core'
import { cancelOnAbort, describe } from '@tasktree/core/lowlevel'
import { ByteQueue } from './byte-queue.ts'
import { IncompleteReadError, LimitOverrunError } from './errors.ts'

const defaultLimit = 65_536
const newline = Buffer.from('\n')

/** Who feeds a reader: paused while more than twice the limit is buffered. */
export interface Source {
  pause(): void
  resume(): void
}

export interface ReadOptions {
  signal?: AbortSignal
}

/**
 * The reading half of a byte stream.
 *
 * One read at a time; a cancelled read consumes nothing. What is read is a view of what was received
 * wherever one chunk holds it.
 *
 * Source: asyncio.StreamReader
 */
export class StreamReader implements AsyncIterable<Buffer> {
  readonly #limit: number
  readonly #received = new ByteQueue()
  #source: Source | null = null
  #paused = false
  #eof = false
  #exception: Error | null = null
  #waiter: Future<void> | null = null
  #reading: string | null = null

  /** @throws {RangeError} when `limit` is not positive */
  constructor(options?: { limit?: number; source?: Source }) {
    const limit = options?.limit ?? defaultLimit
    if (typeof limit !== 'number' || !(limit > 0)) {
      throw new RangeError(`limit must be a positive number of bytes, got ${String(limit)}`)
    }
    this.#limit = limit
    this.#source = options?.source ?? null
  }

  /** A reader of a Node stream, a web stream or an async iterable of bytes, with backpressure. */
  static from(
    source: Readable | ReadableStream | AsyncIterable<Uint8Array>,
    options?: { limit?: number },
  ): StreamReader {
    if ('on' in source && 'pause' in source) return fromReadable(source, options)
    if (Symbol.asyncIterator in source) {
      const reader = new StreamReader(options)
      const gate: { open: Future<void> | null } = { open: null }
      reader.#source = {
        pause: () => {
          gate.open ??= new Future<void>()
        },
        resume: () => {
          gate.open?.setResult()
          gate.open = null
        },
      }
      void pump(source as AsyncIterable<Uint8Array>, reader, gate)
      return reader
    }
    throw new TypeError(
      `StreamReader.from takes a readable stream or an async iterable, got ${describe(source)}`,
    )
  }

  /** -1: all until the end; otherwise 1 to `n` bytes, none at the end. */
  async read(n = -1, options?: ReadOptions): Promise<Buffer> {
    if (!Number.isInteger(n)) throw new TypeError(`read takes an integer, got ${describe(n)}`)
    if (n === 0) return Buffer.alloc(0)
    return this.#exclusive('read', async () => {
      if (n < 0) {
        const chunks: Buffer[] = []
        try {
          while (!this.#eof || this.#received.length > 0) {
            if (this.#received.length === 0) await this.#more(options)
            else chunks.push(this.#takeSome(Infinity))
          }
        } catch (error) {
          // Nothing is consumed by a read that was cancelled.
          const kept = [...chunks]
          if (this.#received.length > 0) kept.push(this.#received.take(this.#received.length))
          for (const chunk of kept) this.#received.push(chunk)
          throw error
        }
        return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
      }
      while (this.#received.length === 0) {
        if (this.#eof) return Buffer.alloc(0)
        await this.#more(options)
      }
      return this.#takeSome(n)
    })
  }

  /** @throws {IncompleteReadError} when the stream ends before `n` bytes */
  async readExactly(n: number, options?: ReadOptions): Promise<Buffer> {
    if (!Number.isInteger(n) || n < 0) {
      throw new RangeError(`readExactly takes a number of bytes of at least 0, got ${String(n)}`)
    }
    if (n === 0) return Buffer.alloc(0)
    return this.#exclusive('readExactly', async () => {
      while (this.#received.length < n) {
        if (this.#eof) throw new IncompleteReadError(this.#takeAll(), n)
        await this.#more(options)
      }
      return this.#take(n)
    })
  }

  /** One line with its `\n`; the rest when the stream ends; nothing after that. @throws {LimitOverrunError} for a line above the limit, which is dropped */
  async readLine(options?: ReadOptions): Promise<Buffer> {
    try {
      return await this.readUntil(newline, options)
    } catch (error) {
      if (error instanceof IncompleteReadError) return error.partial
      if (error instanceof LimitOverrunError) {
        const found = this.#received.indexOf(newline, 0)
        if (found === error.consumed) this.#take(found + 1)
        else this.#takeAll()
      }
      throw error
    }
  }

  /**
   * Everything up to and with the separator, or the one of several that ends first.
   *
   * @throws {IncompleteReadError} when the stream ends before it
   * @throws {LimitOverrunError} when it is further away than the limit; what came stays
   */
  async readUntil(
    separator: Uint8Array | string | (Uint8Array | string)[] = newline,
    options?: ReadOptions,
  ): Promise<Buffer> {
    const separators = (Array.isArray(separator) ? separator : [separator]).map((each) =>
      Buffer.from(each as string),
    )
    if (separators.length === 0 || separators.some((each) => each.length === 0)) {
      throw new RangeError('readUntil needs separators of at least one byte')
    }
    const longest = Math.max(...separators.map((each) => each.length))
    return this.#exclusive('readUntil', async () => {
      let searched = 0
      for (;;) {
        const found = this.#find(separators, searched)
        if (found !== null) {
          if (found.start > this.#limit) {
            throw new LimitOverrunError(
              'the separator is found, but further away than the limit',
              found.start,
            )
          }
          return this.#take(found.end)
        }
        // What is searched once is not searched again but for the last bytes, which may begin a separator.
        searched = Math.max(0, this.#received.length + 1 - longest)
        if (searched > this.#limit) {
          throw new LimitOverrunError('the separator is not found within the limit', searched)
        }
        if (this.#eof) throw new IncompleteReadError(this.#takeAll(), null)
        await this.#more(options)
      }
    })
  }

  #find(separators: Buffer[], from: number): { start: number; end: number } | null {
    let best: { start: number; end: number } | null = null
    for (const separator of separators) {
      const start = this.#received.indexOf(separator, from)
      if (start === -1) continue
      const end = start + separator.length
      if (best === null || end < best.end || (end === best.end && start < best.start))
        best = { start, end }
    }
    return best
  }

  /** The lines as text, without their ends. */
  async *lines(encoding: BufferEncoding = 'utf8'): AsyncGenerator<string, void, undefined> {
    for await (const line of this) yield line.toString(encoding).replace(/\r?\n$/, '')
  }

  /** The lines, each with its end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const line = await this.readLine()
      if (line.length === 0) return
      yield line
    }
  }

  /** Whether the end has come and everything was read. */
  atEof(): boolean {
    return this.#eof && this.#received.length === 0
  }

  exception(): Error | null {
    return this.#exception
  }

  /** For protocols: bytes have come. */
  feedData(chunk: Uint8Array): void {
    if (this.#eof) throw new RuntimeError('feedData after feedEof')
    this.#received.push(
      Buffer.isBuffer(chunk)
        ? chunk
        : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength),
    )
    this.#wake()
    if (!this.#paused && this.#source !== null && this.#received.length > 2 * this.#limit) {
      this.#paused = true
      this.#source.pause()
    }
  }

  /** For protocols: no more will come. */
  feedEof(): void {
    this.#eof = true
    this.#wake()
  }

  /** For protocols: the stream has broken. What came before is still read first only by who reads it already. */
  setException(error: Error): void {
    this.#exception = error
    const waiter = this.#waiter
    this.#waiter = null
    if (waiter !== null && !waiter.done()) waiter.setException(error)
  }

  async #exclusive<T>(what: string, body: () => Promise<T>): Promise<T> {
    if (this.#exception !== null) throw this.#exception
    if (this.#reading !== null) {
      throw new RuntimeError(`${what}() was called while another task waits in ${this.#reading}()`)
    }
    this.#reading = what
    try {
      return await body()
    } finally {
      this.#reading = null
    }
  }

  /** Waits for more bytes or the end; lets the source go on when a read needs more than its limit. */
  async #more(options?: ReadOptions): Promise<void> {
    this.#resume()
    const waiter = new Future<void>()
    this.#waiter = waiter
    try {
      await cancelOnAbort(waiter, options?.signal)
    } finally {
      if (this.#waiter === waiter) this.#waiter = null
    }
  }

  #wake(): void {
    const waiter = this.#waiter
    this.#waiter = null
    if (waiter !== null && !waiter.done()) waiter.setResult()
  }

  #take(size: number): Buffer {
    const taken = this.#received.take(size)
    if (this.#received.length <= this.#limit) this.#resume()
    return taken
  }

  #takeSome(size: number): Buffer {
    const taken = this.#received.takeSome(size)
    if (this.#received.length <= this.#limit) this.#resume()
    return taken
  }

  #takeAll(): Buffer {
    return this.#received.length === 0 ? Buffer.alloc(0) : this.#take(this.#received.length)
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#source?.resume()
  }
}

function fromReadable(source: Readable, options?: { limit?: number }): StreamReader {
  const reader = new StreamReader({
    ...options,
    source: {
      pause: () => void source.pause(),
      resume: () => void source.resume(),
    },
  })
  source.on('data', (chunk: Buffer | string) => reader.feedData(Buffer.from(chunk as string)))
  source.once('end', () => reader.feedEof())
  source.on('error', (error) => reader.setException(error))
  source.once('close', () => {
    if (!source.readableEnded) reader.feedEof()
  })
  return reader
}

async function pump(
  source: AsyncIterable<Uint8Array>,
  reader: StreamReader,
  gate: { open: Future<void> | null },
): Promise<void> {
  try {
    for await (const chunk of source) {
      reader.feedData(chunk)
      if (gate.open !== null) await gate.open
    }
    reader.feedEof()
  } catch (error) {
    reader.setException(error instanceof Error ? error : new Error(String(error)))
  }
}
