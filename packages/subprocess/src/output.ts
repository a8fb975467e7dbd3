import type { StreamReader } from '@tasktree/streams'

/** Above so many bytes what was read is gathered in blocks. */
const BLOCK = 16 * 1_024 * 1_024

/**
 * All that a reader gives, up to `max` bytes. Gathered so that it never takes more than itself and one
 * block: joining a gigabyte of chunks would take it twice.
 *
 * `onOver` is called, once, when there is more than `max`; the rest is read and dropped.
 */
export async function readOutput(
  reader: StreamReader,
  max: number,
  signal: AbortSignal | undefined,
  onOver: () => void,
): Promise<Buffer> {
  const output = new Output()
  for (;;) {
    const chunk = await reader.read(1_048_576, { signal })
    if (chunk.length === 0) return output.join()
    const room = max - output.length
    if (chunk.length > room) {
      output.push(chunk.subarray(0, room))
      onOver()
      break
    }
    output.push(chunk)
  }
  while ((await reader.read(1_048_576, { signal })).length > 0);
  return output.join()
}

class Output {
  length = 0
  #chunks: Buffer[] = []
  #chunked = 0
  readonly #blocks: Buffer<ArrayBuffer>[] = []

  push(chunk: Buffer): void {
    this.length += chunk.length
    this.#chunks.push(chunk)
    this.#chunked += chunk.length
    if (this.#chunked < BLOCK) return
    const block = Buffer.allocUnsafeSlow(this.#chunked)
    copyInto(block, 0, this.#chunks)
    this.#blocks.push(block)
    this.#chunks = []
    this.#chunked = 0
  }

  join(): Buffer {
    if (this.#blocks.length === 0) return Buffer.concat(this.#chunks, this.length)
    // The system gives memory where it is written, so while this fills the blocks can go.
    const all = Buffer.allocUnsafeSlow(this.length)
    let at = 0
    for (const block of this.#blocks) {
      all.set(block, at)
      at += block.length
      // Frees it now, where the collector would wait.
      block.buffer.transfer(0)
    }
    copyInto(all, at, this.#chunks)
    return all
  }
}

function copyInto(target: Buffer, at: number, chunks: readonly Buffer[]): void {
  for (const chunk of chunks) {
    target.set(chunk, at)
    at += chunk.length
  }
}

/** The last `count` bytes that a reader gives. */
export async function readEnd(reader: StreamReader, count: number): Promise<Buffer> {
  let end = Buffer.alloc(0)
  for (;;) {
    const chunk = await reader.read(65_536)
    if (chunk.length === 0) return end
    end = Buffer.concat([end, chunk]).subarray(-count)
  }
}
