/**
 * Received chunks, in order. A read is a view of one chunk wherever one holds it; bytes are copied only
 * where a read spans chunks, and each then once.
 */
export class ByteQueue {
  readonly #chunks: Buffer[] = []
  #first = 0
  #offset = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  /** Takes `size` bytes, which must be there. */
  take(size: number): Buffer {
    this.#length -= size
    const head = this.#chunks[this.#first] as Buffer
    const available = head.length - this.#offset
    if (size < available) {
      const view = head.subarray(this.#offset, this.#offset + size)
      this.#offset += size
      return view
    }
    if (size === available) {
      const view = this.#offset === 0 ? head : head.subarray(this.#offset)
      this.#dropHead()
      return view
    }
    const joined = Buffer.allocUnsafe(size)
    let filled = 0
    while (filled < size) {
      const chunk = this.#chunks[this.#first] as Buffer
      const part = Math.min(chunk.length - this.#offset, size - filled)
      chunk.copy(joined, filled, this.#offset, this.#offset + part)
      filled += part
      this.#offset += part
      if (this.#offset === chunk.length) this.#dropHead()
    }
    return joined
  }

  /** What the first chunk still holds, up to `size` bytes. */
  takeSome(size: number): Buffer {
    const head = this.#chunks[this.#first] as Buffer
    return this.take(Math.min(size, head.length - this.#offset))
  }

  /** Where `separator` begins at or after `from`, or -1; `from` is where an earlier search may stop looking. */
  indexOf(separator: Buffer, from: number): number {
    let base = -this.#offset
    for (let i = this.#first; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i] as Buffer
      const end = base + chunk.length
      if (end > from) {
        const start = Math.max(from - base, i === this.#first ? this.#offset : 0)
        const found = this.#search(separator, i, start)
        if (found !== -1) return base + found
      }
      base = end
    }
    return -1
  }

  /** In chunk `index` from `start`, where a match may run on into the next chunks. */
  #search(separator: Buffer, index: number, start: number): number {
    const chunk = this.#chunks[index] as Buffer
    const inside = chunk.indexOf(separator, start)
    if (inside !== -1) return inside
    for (let at = Math.max(start, chunk.length - separator.length + 1); at < chunk.length; at++) {
      if (this.#matches(separator, index, at)) return at
    }
    return -1
  }

  #matches(separator: Buffer, index: number, start: number): boolean {
    let chunk = index
    let at = start
    for (const byte of separator) {
      while (at === (this.#chunks[chunk]?.length ?? 0)) {
        chunk++
        at = 0
        if (chunk >= this.#chunks.length) return false
      }
      if ((this.#chunks[chunk] as Buffer)[at++] !== byte) return false
    }
    return true
  }

  #dropHead(): void {
    this.#offset = 0
    this.#chunks[this.#first++] = Buffer.alloc(0)
    if (this.#first < 64 && this.#first < this.#chunks.length) return
    this.#chunks.splice(0, this.#first)
    this.#first = 0
  }
}
