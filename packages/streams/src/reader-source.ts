import { Future, isCancelled, type Task } from '@tasktree/core'
import { createServiceTask, describe } from '@tasktree/core/lowlevel'
import type { Readable } from 'node:stream'
import { toOSError } from './os-error.ts'
import type { ReadTransport } from './receive-buffer.ts'
import type { StreamReader } from './stream-reader.ts'
import { whenClosed, whenFinished } from './when-closed.ts'

export type Source = Readable | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>

/**
 * Passes the bytes of `source` to `reader` until the source ends.
 *
 * @throws {TypeError} when `source` is not a Readable, a ReadableStream or an async iterable, or when it is a
 * ReadableStream that is locked
 */
export function readFrom(source: Source, reader: StreamReader): void {
  if (typeof source === 'object' && source !== null) {
    if ('pipe' in source && 'resume' in source) return readFromNode(source, reader)
    if ('getReader' in source) return new Pump(webChunks(source), reader).start()
    if (Symbol.asyncIterator in source) {
      return new Pump(source[Symbol.asyncIterator](), reader).start()
    }
  }
  throw new TypeError(
    `StreamReader.from takes a Readable, a ReadableStream or an async iterable, got ${describe(source)}`,
  )
}

function readFromNode(source: Readable, reader: StreamReader): void {
  let isOver = false
  const closed = new Promise<void>((resolve) => {
    if (source.closed) resolve()
    else whenClosed(source, resolve)
  })
  reader.setTransport({
    pauseReading: () => source.pause(),
    resumeReading: () => source.resume(),
    async close() {
      const { errored } = source
      source.destroy()
      // A stream of an old kind has no property `closed`, and may emit no 'close' after its end.
      const isOld = (source.closed as boolean | undefined) === undefined
      if (!isOld || !isOver) await closed
      const failure = source.errored ?? null
      if (failure !== null && failure !== errored) throw toOSError(failure)
    },
  })
  const onData = (chunk: Uint8Array | string): void => {
    try {
      reader.feedData(chunk)
    } catch (error) {
      // A Readable in object mode may deliver a value that is not bytes. The stream then ends with an error.
      reader.feedEof(error as Error)
      source.destroy()
    }
  }
  source.on('data', onData)
  source.once('end', () => reader.feedEof())
  // This listener is never removed, because an 'error' event without a listener would end the process.
  source.on('error', (error) => reader.feedEof(toOSError(error)))
  whenFinished(source, { writable: false }, (error) => {
    isOver = true
    source.off('data', onData)
    reader.feedEof(error == null ? null : toOSError(error))
  })
  // The program may have paused the source. A paused source would emit no 'data'.
  source.resume()
}

/**
 * Returns an iterator over the chunks of a web stream. A call of the iterator's `return` cancels the stream at once, even
 * while a read of the stream is pending.
 */
function webChunks(stream: ReadableStream<Uint8Array>): AsyncIterator<Uint8Array> {
  if (stream.locked) {
    throw new TypeError('StreamReader.from takes a ReadableStream that is not locked')
  }
  const chunks = stream.getReader()
  return {
    async next() {
      const { done, value } = await chunks.read()
      return done ? { done: true, value: undefined } : { done: false, value }
    },
    async return() {
      await chunks.cancel()
      return { done: true, value: undefined }
    },
  }
}

/**
 * A task that takes one chunk after the other from an iterator and passes it to a reader. While the buffer of the reader
 * is full, the task waits and takes no chunk.
 */
class Pump implements ReadTransport {
  readonly #chunks: AsyncIterator<Uint8Array | string>
  readonly #reader: StreamReader
  #task: Task<void> | null = null
  #resumed: Future<void> | null = null
  #isClosed = false

  constructor(chunks: AsyncIterator<Uint8Array | string>, reader: StreamReader) {
    this.#chunks = chunks
    this.#reader = reader
  }

  start(): void {
    this.#reader.setTransport(this)
    this.#task = createServiceTask(() => this.#run(), { name: 'StreamReader.from' })
  }

  pauseReading(): void {
    this.#resumed ??= new Future()
  }

  resumeReading(): void {
    const resumed = this.#resumed
    this.#resumed = null
    if (resumed?.done() === false) resumed.setResult()
  }

  /**
   * Closes the iterator. If the iterator is a generator that awaits a future of this library, the `await` is cancelled and
   * the generator ends at once. If the generator awaits another promise, it ends when that promise has settled.
   */
  async close(): Promise<void> {
    if (this.#isClosed || this.#task?.done() !== false) return
    this.#isClosed = true
    this.#task.cancel('the reader was closed')
    await this.#chunks.return?.()
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#chunks.next()
        if (this.#isClosed) return
        if (done === true) break
        this.#feed(value)
        if (this.#resumed !== null) await this.#resumed
      }
      this.#reader.feedEof()
    } catch (error) {
      this.#reader.feedEof(toOSError(error))
      if (isCancelled(error)) {
        if (!this.#isClosed) await this.#chunks.return?.()
        throw error
      }
    }
  }

  #feed(value: Uint8Array | string): void {
    try {
      this.#reader.feedData(value)
    } catch (error) {
      // The iterable has delivered a value that is not bytes. If closing the iterable fails too, that second error is
      // ignored.
      void this.#chunks.return?.().then(undefined, () => {})
      throw error
    }
  }
}
