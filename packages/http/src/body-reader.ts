import { ensureFuture, isCancelled } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'

type Part = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>>

/** How many turns of the microtask queue a body may take to give a part that it has already. */
const turnsToRead = 4

/** Reads the body of a response part by part, and can look at its beginning without a wait. */
export class BodyReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #onFailure: (error: unknown) => void
  /** The parts that were asked for and not taken: at most two. */
  readonly #asked: Promise<Part>[] = []
  /** The source needs no cancel: it has failed, or was cancelled. */
  #hasEnded = false

  /** `onFailure` gets the error of the clean-up of a source that was cancelled. */
  constructor(body: ReadableStream<Uint8Array>, onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
    this.#reader = body.getReader()
  }

  /**
   * The beginning of the body: whether its first part is there already, and the length of the whole body if that part is
   * all of it, as for a text.
   */
  async look(): Promise<{ hasBegun: boolean; length: number | null }> {
    const first = await this.#ask()
    if (first?.done === false) checkBytes(first.value)
    if (first === null || first.done) return { hasBegun: first !== null, length: first && 0 }
    const second = await this.#ask()
    return { hasBegun: true, length: second?.done === true ? first.value.byteLength : null }
  }

  /** The next part if it comes within a few turns of the microtask queue; null if it does not, or fails. */
  async #ask(): Promise<Part | null> {
    const asked = this.#reader.read()
    this.#asked.push(asked)
    // oxlint-disable-next-line @tasktree/no-swallowed-cancel -- a stream knows no cancels
    return await Promise.race([asked.catch(() => null), fewTurns()])
  }

  /** Waits for the next part. A stream gives promises that a cancel cannot interrupt, so a future gives them up. */
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
