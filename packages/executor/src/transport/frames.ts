import { deserialize, serialize } from 'node:v8'

/** The pipes of a worker process: from its pool, to its pool, and one that only closes with the pool's process. */
export const inputPipe = 3
export const outputPipe = 4
export const lifePipe = 5

const headerLength = 4

/** A message as it goes through a pipe: its length, then itself. */
export function encodeFrame(message: unknown): Buffer {
  const body = serialize(message)
  const frame = Buffer.allocUnsafe(headerLength + body.length)
  frame.writeUInt32LE(body.length)
  body.copy(frame, headerLength)
  return frame
}

/** Puts messages together from what comes out of a pipe. */
export class FrameReader {
  readonly #deliver: (message: unknown) => void
  #chunks: Buffer[] = []
  #length = 0
  #needed = headerLength

  constructor(deliver: (message: unknown) => void) {
    this.#deliver = deliver
  }

  readonly feed = (chunk: Buffer): void => {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    // Nothing is put together before the whole frame is here: a large one comes in thousands of chunks.
    while (this.#length >= this.#needed) {
      const data =
        this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
      this.#chunks = []
      this.#length = 0
      const end = data.length < headerLength ? headerLength : headerLength + data.readUInt32LE()
      if (data.length < end) {
        this.#needed = end
        this.#keep(data)
        return
      }
      this.#needed = headerLength
      this.#keep(data.subarray(end))
      this.#deliver(deserialize(data.subarray(headerLength, end)))
    }
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) return
    this.#chunks = [rest]
    this.#length = rest.length
  }
}
