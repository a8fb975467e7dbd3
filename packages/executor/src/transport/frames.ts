/**
 * The format of the messages in the pipes of a worker process. A frame is a header of 12 bytes and a body. Even if the
 * body cannot be decoded, the header tells which job the message belongs to.
 */
import { encodeValue } from './codec.ts'

/**
 * The file descriptors of a worker process: the pipe from its pool, the pipe to its pool, and a pipe that closes only
 * when the pool's process ends.
 */
export const inputPipe = 3
export const outputPipe = 4
export const lifePipe = 5

const headerLength = 12
/**
 * A fixed number in each header. A job that writes to the pipe directly is detected, because its bytes lack this
 * number.
 */
const mark = 0x7a5e_0000
const kinds = ['other', 'jobs', 'end'] as const

export interface FrameHeader {
  /** `jobs` for a JobsMessage of `protocol.ts`, `end` for the last message of a job, `other` for any other message. */
  readonly kind: (typeof kinds)[number]
  /** In the last message of a job: the number of the job that the worker begins now, or 0 when there is none. */
  readonly next: number
}

export function encodeFrame(message: unknown, kind: FrameHeader['kind'], next = 0): Buffer {
  const body = encodeValue(message)
  const frame = Buffer.allocUnsafe(headerLength + body.length)
  frame.writeUInt32LE(body.length)
  frame.writeUInt32LE(mark + kinds.indexOf(kind), 4)
  frame.writeUInt32LE(next, 8)
  body.copy(frame, headerLength)
  return frame
}

/** Assembles frames from the chunks that a pipe delivers. */
export class FrameReader {
  readonly #deliver: (body: Buffer, header: FrameHeader) => void
  readonly #onBroken: () => void
  #chunks: Buffer[] = []
  #length = 0
  #needed = headerLength
  #isBroken = false

  /** `onBroken` is called once, when the bytes are not a frame. After that, no more frames are delivered. */
  constructor(deliver: (body: Buffer, header: FrameHeader) => void, onBroken: () => void) {
    this.#deliver = deliver
    this.#onBroken = onBroken
  }

  readonly feed = (chunk: Buffer): void => {
    if (this.#isBroken) return
    this.#chunks.push(chunk)
    this.#length += chunk.length
    // The chunks are joined only when the whole frame has arrived, because a large frame comes in thousands of chunks.
    while (this.#length >= this.#needed) {
      const data =
        this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
      this.#chunks = []
      this.#length = 0
      const kind = kinds[data.readUInt32LE(4) - mark]
      if (kind === undefined) {
        this.#isBroken = true
        this.#onBroken()
        return
      }
      const end = headerLength + data.readUInt32LE()
      const next = data.readUInt32LE(8)
      if (data.length < end) {
        this.#needed = end
        this.#keep(data)
        return
      }
      this.#needed = headerLength
      this.#keep(data.subarray(end))
      this.#deliver(data.subarray(headerLength, end), { kind, next })
    }
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) return
    this.#chunks = [rest]
    this.#length = rest.length
  }
}
