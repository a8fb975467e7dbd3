import { compactView } from './compact-copy.ts'

/**
 * The buffer of a StreamReader: received bytes in their order, in the chunks in which they arrived. Only many small chunks
 * that follow each other are merged into one (see RUN).
 *
 * The problem: a reader wants lines, a number of bytes, or bytes up to a separator, but the network divides the bytes
 * anywhere. Concatenating the chunks would copy a growing buffer again and again, which costs quadratic time.
 *
 * The idea: keep the chunks in an array with a cursor (`#head`, `#offset`). If the requested bytes lie in one chunk,
 * `take` returns a view of this chunk or a compact copy; otherwise it copies the bytes of several chunks into a new
 * Buffer. A search that has no match returns -1. The caller lets the next search begin where this search stopped, so a
 * long line in small pieces costs linear time.
 *
 * The invariant: `length` is the number of bytes from the cursor to the end, and no chunk from the cursor on is empty.
 */

const EMPTY = Buffer.alloc(0)

/**
 * When this many small chunks follow each other, they are merged into one, so that a peer that sends single bytes does
 * not cost one object per byte.
 */
const RUN = 64
/** A chunk with fewer bytes than this is small. */
const SMALL = 512

export class ByteQueue {
  #chunks: Buffer[] = []
  #head = 0
  #offset = 0
  #run = 0
  length = 0
  /** Grows when `unshift` or `takeAll` has moved bytes to other positions. A search in progress must then begin again. */
  generation = 0

  /** How many bytes of the queue lie in the first chunk. */
  get firstLength(): number {
    return this.#head < this.#chunks.length ? this.#sizeOf(this.#head) : 0
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.length += chunk.length
    this.#chunks.push(chunk)
    this.#run = chunk.length < SMALL ? this.#run + 1 : 0
    if (this.#run === RUN) this.#mergeRun()
  }

  /** Adds `chunk` at the front of the queue. */
  unshift(chunk: Buffer): void {
    if (chunk.length === 0) return
    const first = this.#chunks[this.#head]
    if (first !== undefined && this.#offset > 0) {
      this.#chunks[this.#head] = first.subarray(this.#offset)
      this.#offset = 0
    }
    if (this.#head === 0) this.#makeRoom()
    this.#chunks[--this.#head] = chunk
    this.length += chunk.length
    this.generation++
  }

  /** Removes and returns the first `n` bytes. The caller must have checked that there are `n` bytes. */
  take(n: number): Buffer {
    const first = this.#chunks[this.#head]
    if (n === 0 || first === undefined) return EMPTY
    const start = this.#offset
    this.length -= n
    if (start + n > first.length) return this.#gather(Buffer.allocUnsafe(n))
    if (start + n < first.length) this.#offset = start + n
    else this.#drop()
    return n === first.length ? first : compactView(first, start, n)
  }

  /** Removes and returns all bytes, even if a search in progress has already looked at them. */
  takeAll(): Buffer {
    this.generation++
    return this.take(this.length)
  }

  /** Moves bytes from the front into `target`, as many as fit. Returns how many. */
  takeInto(target: Uint8Array): number {
    const n = Math.min(target.length, this.length)
    if (n === 0) return 0
    this.length -= n
    this.#gather(target.subarray(0, n))
    return n
  }

  /** Returns a copy of the first `n` bytes, and keeps them in the queue. */
  peek(n: number): Buffer {
    const out = Buffer.allocUnsafe(n)
    let filled = 0
    for (let i = this.#head; filled < n; i++) {
      const chunk = this.#chunks[i] as Buffer
      filled += chunk.copy(out, filled, i === this.#head ? this.#offset : 0)
    }
    return out
  }

  clear(): void {
    this.#chunks = []
    this.#head = 0
    this.#offset = 0
    this.#run = 0
    this.length = 0
  }

  /**
   * Returns the position where `separator` first begins, at or after `from` and before `before`; -1 when there is none. Does
   * not look at the bytes that come later.
   */
  indexOf(separator: Buffer, from: number, before: number = Infinity): number {
    const chunks = this.#chunks
    const needle = separator.length === 1 ? (separator[0] as number) : separator
    let [i, base] = this.#locate(from)
    for (; i < chunks.length && base < before; i++) {
      const chunk = chunks[i] as Buffer
      const skipped = i === this.#head ? this.#offset : 0
      const lookedAt = skipped + before - base + separator.length - 1
      const searched = lookedAt < chunk.length ? chunk.subarray(0, lookedAt) : chunk
      const at = searched.indexOf(needle, skipped + Math.max(0, from - base))
      if (at !== -1) return base + at - skipped
      const end = base + chunk.length - skipped
      const first = Math.max(from, base, end - separator.length + 1)
      for (let start = first; start < end && start < before; start++) {
        if (this.#spans(separator, i, skipped + start - base)) return start
      }
      base = end
    }
    return -1
  }

  /**
   * Returns the index of the chunk that contains the byte at position `from`, and the position of the first byte of that
   * chunk. Begins at the nearer end of the queue, because most searches begin near one of the ends.
   */
  #locate(from: number): [chunk: number, base: number] {
    let i = this.#head
    let base = 0
    if (from < this.length / 2) {
      while (base + this.#sizeOf(i) <= from) base += this.#sizeOf(i++)
      return [i, base]
    }
    i = this.#chunks.length
    base = this.length
    while (i > this.#head && base > from) base -= this.#sizeOf(--i)
    return [i, base]
  }

  #spans(separator: Buffer, i: number, at: number): boolean {
    let chunk = this.#chunks[i] as Buffer
    for (const byte of separator) {
      while (at === chunk.length) {
        const next = this.#chunks[++i]
        if (next === undefined) return false
        chunk = next
        at = 0
      }
      if (chunk[at++] !== byte) return false
    }
    return true
  }

  #sizeOf(i: number): number {
    const size = (this.#chunks[i] as Buffer).length
    return i === this.#head ? size - this.#offset : size
  }

  /** Moves bytes from the front into `out` until `out` is full. */
  #gather<B extends Uint8Array>(out: B): B {
    let filled = 0
    while (filled < out.length) {
      const chunk = this.#chunks[this.#head] as Buffer
      const end = Math.min(chunk.length, this.#offset + out.length - filled)
      filled += chunk.copy(out, filled, this.#offset, end)
      if (end === chunk.length) this.#drop()
      else this.#offset = end
    }
    return out
  }

  /**
   * Removes the first chunk. The places of removed chunks are cut off when they are at least 64, and at least half of the
   * array.
   */
  #drop(): void {
    this.#offset = 0
    this.#head++
    if (this.#head === this.#chunks.length) {
      this.#chunks.length = 0
      this.#head = 0
      this.#run = 0
    } else {
      this.#chunks[this.#head - 1] = EMPTY
      if (this.#head >= 64 && this.#head * 2 >= this.#chunks.length) {
        this.#chunks.splice(0, this.#head)
        this.#head = 0
      }
    }
  }

  /** Makes room before the first chunk. The array at least doubles, so many calls of `unshift` cost linear time. */
  #makeRoom(): void {
    const chunks = this.#chunks
    this.#head = Math.max(8, chunks.length)
    this.#chunks = Array<Buffer>(this.#head).fill(EMPTY).concat(chunks)
  }

  #mergeRun(): void {
    this.#run = 0
    const from = Math.max(this.#head + 1, this.#chunks.length - RUN)
    const run = this.#chunks.splice(from)
    this.#chunks.push(Buffer.concat(run))
  }
}
