import type { StreamReader } from '@tasktree/streams'

/**
 * The first chunks, up to this many bytes in all, are kept as they arrived, although joining them needs twice their
 * memory. Later chunks are copied into blocks of BLOCK bytes.
 */
const UNGATHERED = 64 * 1_048_576
const BLOCK = 16 * 1_048_576

/**
 * Appends all that `reader` delivers to `output`, up to `max` bytes. If `reader` delivers more, `onOver` is called
 * once, and the rest is read and dropped. After a cancel, `output` has all that was read until then, and another call
 * of this function continues from there.
 */
export async function readOutput(
  reader: StreamReader,
  output: Output,
  max: number,
  signal: AbortSignal,
  onOver: () => void,
): Promise<void> {
  for (;;) {
    const chunk = await reader.read(1_048_576, { signal })
    if (chunk.length === 0) return
    const room = max - output.length
    if (chunk.length > room) {
      output.push(chunk.subarray(0, room))
      onOver()
      break
    }
    output.push(chunk)
  }
  while ((await reader.read(1_048_576, { signal })).length > 0);
}

/**
 * The problem: the output of a process arrives in chunks, and in the end one Buffer must hold all of it. To join a
 * gigabyte of chunks needs two gigabytes, because all chunks are in memory until the copy is complete.
 *
 * The idea: after the first 64 MiB, chunks are copied into blocks of 16 MiB, and the memory of each chunk is freed at
 * once. When the blocks are joined, the memory of each block is freed before the next block is copied. The garbage
 * collector would free this memory too late.
 */
export class Output {
  length = 0
  #chunks: Buffer[] = []
  #blocks: Block[] = []

  push(chunk: Buffer): void {
    this.length += chunk.length
    if (this.length <= UNGATHERED) this.#chunks.push(chunk)
    else this.#gather(chunk)
  }

  #gather(chunk: Buffer): void {
    let block = this.#blocks.at(-1)
    if (block === undefined || block.used + chunk.length > BLOCK) {
      block = { bytes: Buffer.allocUnsafeSlow(Math.max(BLOCK, chunk.length)), used: 0 }
      this.#blocks.push(block)
    }
    block.bytes.set(chunk, block.used)
    block.used += chunk.length
    free(chunk)
  }

  #parts(): Block[] {
    return [...this.#chunks.map((bytes) => ({ bytes, used: bytes.length })), ...this.#blocks]
  }

  /** Returns a copy of all bytes so far, and keeps them. */
  copy(): Buffer {
    return Buffer.concat(this.#parts().map(({ bytes, used }) => bytes.subarray(0, used)))
  }

  /** Returns all bytes so far, and removes them from this object. */
  take(): Buffer {
    const all = this.#blocks.length === 0 ? Buffer.concat(this.#chunks, this.length) : this.#join()
    this.length = 0
    this.#chunks = []
    this.#blocks = []
    return all
  }

  #join(): Buffer {
    // The system provides a page of memory for `all` only when bytes are written to that page. So the memory of each
    // part can be freed while `all` fills.
    const all = Buffer.allocUnsafeSlow(this.length)
    let at = 0
    for (const { bytes, used } of this.#parts()) {
      all.set(bytes.subarray(0, used), at)
      at += used
      free(bytes)
    }
    return all
  }
}

interface Block {
  readonly bytes: Buffer
  used: number
}

/** Frees the memory of `bytes` at once, unless other code may hold a part of the same memory. */
function free(bytes: Buffer): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length) buffer.transfer(0)
}
