import type { ByteQueue } from './byte-queue.ts'
import { LimitOverrunError } from './errors.ts'
import type { CharacterWidth } from './line-text.ts'
import { type Bytes, toBuffer } from './to-buffer.ts'

/** How many bytes are searched first if there are several separators. */
const FIRST_PART = 1024

/**
 * Searches the buffer of a reader for the separator that ends first.
 *
 * The problem: bytes arrive in chunks, and a search after each chunk must not look at the same bytes again, or a long
 * line in small chunks would cost the square of its length. The idea: the search remembers up to where there is no
 * separator. It goes back by one byte less than the longest separator, because the end of a chunk may cut a separator.
 *
 * Several separators are looked for in a short part of the buffer first, and then in a part twice as long, and so on. If
 * each was looked for in the whole buffer, a separator that never comes would make each of many buffered records cost as
 * much as the whole buffer.
 */
export class SeparatorSearch {
  readonly #buffer: ByteQueue
  readonly #separators: readonly Buffer[]
  readonly #width: CharacterWidth
  readonly #limit: number
  /** No separator begins before this position, as long as the buffer has the generation `#generation`. */
  #from = 0
  #generation: number

  /** @param separators ordered by length, as `toSeparators` returns them */
  constructor(
    buffer: ByteQueue,
    separators: readonly Buffer[],
    width: CharacterWidth,
    limit: number,
  ) {
    this.#buffer = buffer
    this.#generation = buffer.generation
    this.#separators = separators
    this.#width = width
    this.#limit = limit
  }

  /**
   * Returns the number of bytes up to and including the first separator; null if no separator has arrived.
   *
   * @throws {LimitOverrunError} when more bytes than the limit allows come before the separator, or have arrived
   * without a separator
   */
  next(): number | null {
    const buffer = this.#buffer
    const limit = this.#limit
    if (this.#generation !== buffer.generation) {
      this.#generation = buffer.generation
      this.#from = 0
    }
    const { start, end } = this.#find()
    if (start > limit) {
      throw new LimitOverrunError(
        `the separator comes after ${start} bytes, over the limit of ${limit}`,
        start,
      )
    }
    if (start !== -1) return end
    const longest = (this.#separators.at(-1) as Buffer).length
    const from = Math.max(0, buffer.length + 1 - longest)
    this.#from = from
    if (from > limit) {
      throw new LimitOverrunError(`no separator in ${from} bytes, over the limit of ${limit}`, from)
    }
    return null
  }

  /** Returns where the separator that ends first begins and ends. `start` is -1 when there is none. */
  #find(): { start: number; end: number } {
    const { length } = this.#buffer
    let part = this.#separators.length === 1 ? length : FIRST_PART
    let searched = this.#from
    while (searched < length) {
      const found = this.#findEnd(searched, Math.min(searched + part, length))
      if (found.start !== -1) return found
      searched += part
      part *= 2
    }
    return { start: -1, end: -1 }
  }

  /** Returns the separator that ends first, of those that end after the position `after` and at the position `last` at most. */
  #findEnd(after: number, last: number): { start: number; end: number } {
    let start = -1
    // A separator that is found later in this loop must end before the one that was found already.
    let end = last + 1
    for (const separator of this.#separators) {
      const { length } = separator
      const from = Math.max(this.#from, after - length + 1)
      const at = findSeparator(this.#buffer, separator, from, this.#width, end - length)
      if (at === -1) continue
      start = at
      end = at + length
    }
    return { start, end }
  }
}

/**
 * Returns the first position of `separator` that is at least `from`, less than `before`, and a multiple of `width`; -1 when
 * there is none.
 */
export function findSeparator(
  buffer: ByteQueue,
  separator: Buffer,
  from: number,
  width: CharacterWidth,
  before: number = Infinity,
): number {
  let at = buffer.indexOf(separator, from, before)
  while (at !== -1 && at % width !== 0) at = buffer.indexOf(separator, at + 1, before)
  return at
}

/**
 * Checks the separators and returns them ordered by length. The search needs this order: if two separators end at the same
 * position, the shorter one counts, and the last one in the list is the longest.
 */
export function toSeparators(separator: Bytes | readonly Bytes[]): readonly Buffer[] {
  const list = Array.isArray(separator) ? (separator as Bytes[]) : [separator as Bytes]
  if (list.length === 0) throw new RangeError('readUntil takes at least one separator, got none')
  const buffers = list.map((one) => toBuffer(one))
  if (buffers.some((one) => one.length === 0)) {
    throw new RangeError('readUntil takes separators of at least one byte, got an empty one')
  }
  return buffers.length === 1 ? buffers : buffers.toSorted((a, b) => a.length - b.length)
}
