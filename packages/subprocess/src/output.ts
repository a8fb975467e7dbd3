import type { StreamReader } from '@tasktree/streams'

/** So many bytes are kept as they came, and held twice while they are joined; what follows is gathered in blocks. */
const UNGATHERED = 64 * 1_048_576
const BLOCK = 16 * 1_048_576

/**
 * All that a reader gives, up to `max` bytes. Gathered so that it never takes much more than itself: joining
 * a gigabyte of chunks would take it twice.
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

/**
 * Whatever is left behind is freed at once: the memory of a chunk then takes the next one, and that of
 * a block is gone before the next is copied. The collector would let both grow.
 */
class Output {
  length = 0
  readonly #chunks: Buffer[] = []
  readonly #blocks: Block[] = []

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

  join(): Buffer {
    if (this.#blocks.length === 0) return Buffer.concat(this.#chunks, this.length)
    // The system gives memory where it is written, so while this fills the blocks can go.
    const all = Buffer.allocUnsafeSlow(this.length)
    let at = 0
    const chunks = this.#chunks.map((bytes) => ({ bytes, used: bytes.length }))
    for (const { bytes, used } of [...chunks, ...this.#blocks]) {
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

/** Only where nobody else has a part of it. */
function free(bytes: Buffer): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length) buffer.transfer(0)
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
