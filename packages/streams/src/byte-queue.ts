/** So many small chunks in a row become one, so that a byte at a time does not cost an object a byte. */
const RUN = 64
const SMALL = 512

/**
 * Received bytes in their order, in the chunks they came in. What lies in one chunk is taken as a view;
 * only what spans chunks is copied, once. A search goes on where the last one ended, so that a long line
 * in small pieces costs linear time.
 */
export class ByteQueue {
  #chunks: Buffer[] = []
  /** The first chunk that is left, and the first byte of it. */
  #head = 0
  #offset = 0
  #run = 0
  length = 0

  /** How many of them lie in one piece at the front. */
  get firstLength(): number {
    return this.#head < this.#chunks.length ? this.#sizeOf(this.#head) : 0
  }

  push(chunk: Buffer): void {
    this.length += chunk.length
    this.#chunks.push(chunk)
    this.#run = chunk.length < SMALL ? this.#run + 1 : 0
    if (this.#run === RUN) this.#mergeRun()
  }

  /** Takes `n` bytes; there must be as many. */
  take(n: number): Buffer {
    const first = this.#chunks[this.#head]
    if (n === 0 || first === undefined) return Buffer.alloc(0)
    const start = this.#offset
    this.length -= n
    if (start + n < first.length) {
      this.#offset = start + n
      return first.subarray(start, start + n)
    }
    if (start + n === first.length) {
      this.#drop()
      return start === 0 ? first : first.subarray(start)
    }
    return this.#gather(n)
  }

  clear(): void {
    this.#chunks = []
    this.#head = 0
    this.#offset = 0
    this.#run = 0
    this.length = 0
  }

  /** Where `separator` first begins at or after `from`, or -1. */
  indexOf(separator: Buffer, from: number): number {
    const chunks = this.#chunks
    let i = chunks.length
    let base = this.length
    while (i > this.#head && base > from) base -= this.#sizeOf(--i)
    const needle = separator.length === 1 ? (separator[0] as number) : separator
    for (; i < chunks.length; i++) {
      const chunk = chunks[i] as Buffer
      const skipped = i === this.#head ? this.#offset : 0
      const at = chunk.indexOf(needle, skipped + Math.max(0, from - base))
      if (at !== -1) return base + at - skipped
      const end = base + chunk.length - skipped
      for (let start = Math.max(from, base, end - separator.length + 1); start < end; start++) {
        if (this.#spans(separator, i, skipped + start - base)) return start
      }
      base = end
    }
    return -1
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

  #gather(n: number): Buffer {
    const out = Buffer.allocUnsafe(n)
    let filled = 0
    while (filled < n) {
      const chunk = this.#chunks[this.#head] as Buffer
      const end = Math.min(chunk.length, this.#offset + n - filled)
      filled += chunk.copy(out, filled, this.#offset, end)
      if (end === chunk.length) this.#drop()
      else this.#offset = end
    }
    return out
  }

  /** Forgets the first chunk, and now and then the places of those forgotten. */
  #drop(): void {
    this.#offset = 0
    this.#head++
    if (this.#head === this.#chunks.length) {
      this.#chunks.length = 0
      this.#head = 0
      this.#run = 0
    } else {
      this.#chunks[this.#head - 1] = Buffer.alloc(0)
      if (this.#head >= 64 && this.#head * 2 >= this.#chunks.length) {
        this.#chunks.splice(0, this.#head)
        this.#head = 0
      }
    }
  }

  #mergeRun(): void {
    this.#run = 0
    const from = Math.max(this.#head + 1, this.#chunks.length - RUN)
    const run = this.#chunks.splice(from)
    this.#chunks.push(Buffer.concat(run))
  }
}
