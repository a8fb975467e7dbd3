import type { ByteQueue } from './byte-queue.ts'
import { LimitOverrunError } from './errors.ts'
import type { CharacterWidth } from './line-text.ts'
import { type Bytes, toBuffer } from './to-buffer.ts'

/**
 * Searches the buffer of a reader for the separator that ends first.
 *
 * The problem: bytes arrive in chunks, and a search after each chunk must not look at the same bytes again, or a long
 * line in small chunks would cost the square of its length. The idea: the search remembers up to where there is no
 * separator. It goes back by one byte less than the longest separator, because the end of a chunk may cut a separator.
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
    let start = -1
    let end = Infinity
    for (const separator of this.#separators) {
      const at = findSeparator(buffer, separator, this.#from, this.#width)
      if (at === -1 || at + separator.length >= end) continue
      start = at
      end = at + separator.length
    }
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
}

/** Returns the first position from `from` on of `separator` that is a multiple of `width`; -1 when there is none. */
export function findSeparator(
  buffer: ByteQueue,
  separator: Buffer,
  from: number,
  width: CharacterWidth,
): number {
  let at = buffer.indexOf(separator, from)
  while (at !== -1 && at % width !== 0) at = buffer.indexOf(separator, at + 1)
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
