import { Future } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import { AsyncLocalStorage } from 'node:async_hooks'
import type { ServerResponse } from 'node:http'

type Part = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>>

/** The number of microtask turns that a body may take to give a part that it holds already. */
const turnsToRead = 4
const settled = Promise.resolve()

/** Reads the body of a response part by part, and can look at its beginning without a wait. */
export class BodyReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #onFailure: (error: unknown) => void
  /** Reads that `look()` has begun and whose parts `sendTo()` has not sent yet: at most two. */
  readonly #asked: Promise<Part>[] = []
  /** True when the source needs no cancel, because it has failed or was cancelled before. */
  #hasEnded = false

  /** A source that is cancelled may fail in its clean-up; `onFailure` gets that error. */
  constructor(body: ReadableStream<Uint8Array>, onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
    this.#reader = body.getReader()
  }

  /**
   * Looks at the beginning of the body. `hasBegun` says whether the first part is there already. `whole` is the whole body
   * if it has at most one part, as the body of a text has; otherwise null.
   */
  async look(): Promise<{ hasBegun: boolean; whole: Uint8Array | null }> {
    const first = await this.#ask()
    if (first === null) return { hasBegun: false, whole: null }
    if (first.done) return { hasBegun: true, whole: new Uint8Array() }
    checkBytes(first.value)
    const second = await this.#ask()
    return { hasBegun: true, whole: second?.done === true ? first.value : null }
  }

  /** Returns the next part if it comes within a few microtask turns. Returns null if it comes later, or the read fails. */
  async #ask(): Promise<Part | null> {
    const asked = this.#reader.read()
    this.#asked.push(asked)
    const read: { part: Part | null } = { part: null }
    const keep = (part: Part): void => {
      read.part = part
    }
    // A failed read is thrown by `sendTo()`, which awaits the same promise.
    asked.then(keep, () => {})
    for (let turn = 0; turn < turnsToRead && read.part === null; turn++) await settled
    return read.part
  }

  /**
   * Passes the rest of the body to `outgoing`, and reads on only when `outgoing` has room. The future resolves when the body
   * has ended. A cancel of the future ends the reading: the caller then calls `cancel()`.
   *
   * One future stands for the whole body, because a cancel cannot interrupt the promise of a stream, and a future for each
   * part costs about 1 µs.
   */
  sendTo(outgoing: ServerResponse): Future<void> {
    const sent = new Future<void>()
    const fail = (error: unknown): void => {
      if (!sent.done()) sent.setException(error)
    }
    const onFailure = (error: unknown): void => {
      this.#hasEnded = true
      fail(error)
    }
    // The body may be of another library, whose methods may throw, or give a value that is not a part.
    // The source runs inside `read`, so it must find the context of the request also after an event of `outgoing`.
    const readNext = AsyncLocalStorage.bind((): void => {
      if (sent.done()) return
      try {
        ;(this.#asked.shift() ?? this.#reader.read()).then(onPart, onFailure)
      } catch (error) {
        fail(error)
      }
    })
    const onPart = (part: Part): void => {
      if (sent.done()) return
      try {
        if (part.done) sent.setResult()
        else pass(part.value)
      } catch (error) {
        fail(error)
      }
    }
    const pass = (bytes: Uint8Array): void => {
      checkBytes(bytes)
      // An empty part does not fill the response, and a destroyed response is never full. So an endless body must leave the
      // loop time for other work. That includes the 'close' event of a destroyed response, which cancels the request.
      // oxlint-disable-next-line eslint/no-restricted-globals -- a turn of Node's own loop is meant
      if (outgoing.destroyed || bytes.byteLength === 0) setImmediate(readNext)
      else if (outgoing.write(bytes)) readNext()
      else outgoing.once('drain', readNext)
    }
    readNext()
    return sent
  }

  /** Tells the source of the body, once, that nobody will read it. */
  cancel(reason: unknown): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    // The async function turns an error that the body of another library throws into a rejection.
    const cancelled = async (): Promise<void> => this.#reader.cancel(reason)
    cancelled().catch(this.#onFailure)
  }
}

/** @throws {TypeError} for a part of a body that is not bytes */
function checkBytes(part: unknown): void {
  if (part instanceof Uint8Array) return
  throw new TypeError(`the body of a response must give bytes, got ${describe(part)}`)
}
