import { ensureFuture, isCancelled } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'

type Part = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>>

/** The number of microtask turns that a body may take to give a part that it holds already. */
const turnsToRead = 4

/** Reads the body of a response part by part, and can look at its beginning without a wait. */
export class BodyReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #onFailure: (error: unknown) => void
  /** Reads that have begun and whose parts `next()` has not returned yet: at most two. */
  readonly #asked: Promise<Part>[] = []
  /** True when the source needs no cancel, because it has failed or was cancelled before. */
  #hasEnded = false

  /** A source that is cancelled may fail in its clean-up; `onFailure` gets that error. */
  constructor(body: ReadableStream<Uint8Array>, onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
    this.#reader = body.getReader()
  }

  /**
   * Looks at the beginning of the body. `hasBegun` says whether the first part is there already. `length` is the length of
   * the whole body if the body has only one part, as the body of a text has; otherwise null.
   */
  async look(): Promise<{ hasBegun: boolean; length: number | null }> {
    const first = await this.#ask()
    if (first?.done === false) checkBytes(first.value)
    if (first === null || first.done) return { hasBegun: first !== null, length: first && 0 }
    const second = await this.#ask()
    return { hasBegun: true, length: second?.done === true ? first.value.byteLength : null }
  }

  /** Returns the next part if it comes within a few microtask turns. Returns null if it comes later, or the read fails. */
  async #ask(): Promise<Part | null> {
    const asked = this.#reader.read()
    this.#asked.push(asked)
    // oxlint-disable-next-line @tasktree/no-swallowed-cancel -- a cancel never rejects the promise of a stream
    return await Promise.race([asked.catch(() => null), fewTurns()])
  }

  /**
   * Waits for the next part. A cancel cannot interrupt the promise of a stream. So this method waits for a future that
   * follows the promise, and a cancel ends that future.
   */
  async next(): Promise<Part> {
    try {
      return await ensureFuture(this.#asked.shift() ?? this.#reader.read())
    } catch (error) {
      if (!isCancelled(error)) this.#hasEnded = true
      throw error
    }
  }

  /** Tells the source of the body, once, that nobody will read it. */
  cancel(reason: unknown): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#reader.cancel(reason).catch(this.#onFailure)
  }
}

/** @throws {TypeError} for a part of a body that is not bytes */
export function checkBytes(part: unknown): void {
  if (part instanceof Uint8Array) return
  throw new TypeError(`the body of a response must give bytes, got ${describe(part)}`)
}

async function fewTurns(): Promise<null> {
  for (let i = 0; i < turnsToRead; i++) await Promise.resolve()
  return null
}
