import { createTask, Future } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import { finished, type Readable } from 'node:stream'
import { toOSError } from './os-error.ts'
import type { ReadTransport, StreamReader } from './stream-reader.ts'

export type Source = Readable | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>

/** Feeds `reader` with what `source` gives, until its end. */
export function readFrom(source: Source, reader: StreamReader): void {
  if (isReadable(source)) readFromNode(source, reader)
  else if (typeof source === 'object' && source !== null && Symbol.asyncIterator in source) {
    new Pump(source, reader).start()
  } else {
    throw new TypeError(
      `StreamReader.from takes a Readable, a ReadableStream or an async iterable, got ${describe(source)}`,
    )
  }
}

function isReadable(source: Source): source is Readable {
  return typeof source === 'object' && source !== null && 'pipe' in source && 'resume' in source
}

function readFromNode(source: Readable, reader: StreamReader): void {
  reader.setTransport({
    pauseReading: () => source.pause(),
    resumeReading: () => source.resume(),
  })
  let ended = false
  const onData = (chunk: Uint8Array | string): void => reader.feedData(chunk)
  source.on('data', onData)
  source.once('end', () => {
    ended = true
    reader.feedEof()
  })
  // A listener of its own: a stream whose error nobody hears takes the process down.
  source.on('error', (error) => reader.setException(toOSError(error)))
  finished(source, { writable: false }, (error) => {
    source.off('data', onData)
    if (ended || reader.exception() !== null) return
    if (error == null) reader.feedEof()
    else reader.setException(toOSError(error))
  })
}

/** Takes one chunk after the other from an iterable, in a task of its own; not while the reader is full. */
class Pump implements ReadTransport {
  readonly #source: AsyncIterable<Uint8Array | string>
  readonly #reader: StreamReader
  #paused: Future<void> | null = null

  constructor(source: AsyncIterable<Uint8Array | string>, reader: StreamReader) {
    this.#source = source
    this.#reader = reader
  }

  start(): void {
    this.#reader.setTransport(this)
    createTask(() => this.#run(), { name: 'StreamReader.from' })
  }

  pauseReading(): void {
    this.#paused ??= new Future()
  }

  resumeReading(): void {
    const paused = this.#paused
    this.#paused = null
    if (paused?.done() === false) paused.setResult()
  }

  async #run(): Promise<void> {
    try {
      for await (const chunk of this.#source) {
        this.#reader.feedData(chunk)
        if (this.#paused !== null) await this.#paused
      }
      this.#reader.feedEof()
    } catch (error) {
      this.#reader.setException(toOSError(error))
    }
  }
}
