/**
 * Messages in the pipes of a worker process. A frame is a header of 12 bytes and a body. The header says
 * enough about the message that a body which cannot be decoded is still known to belong to a certain job.
 */
import { encodeValue } from './codec.ts'

/** The pipes of a worker process: from its pool, to its pool, and one that closes only with the pool's process. */
export const inputPipe = 3
export const outputPipe = 4
export const lifePipe = 5

const headerLength = 12
/** Stands in each header. A job that writes to the pipe by itself is found out by it. */
const mark = 0x7a5e_0000
const kinds = ['other', 'jobs', 'end'] as const

export interface FrameHeader {
  /** A JobsMessage, the last message of a job, or another message. */
  readonly kind: (typeof kinds)[number]
  /** With the last message of a job: the job that the worker begins now, 0 when there is none. */
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

/** Puts frames together from the chunks that a pipe delivers. */
export class FrameReader {
  readonly #deliver: (body: Buffer, header: FrameHeader) => void
  readonly #onBroken: () => void
  #chunks: Buffer[] = []
  #length = 0
  #needed = headerLength
  #isBroken = false

  /** `onBroken` is called once, when the bytes are not a frame; nothing is delivered after that. */
  constructor(deliver: (body: Buffer, header: FrameHeader) => void, onBroken: () => void) {
    this.#deliver = deliver
    this.#onBroken = onBroken
  }

  readonly feed = (chunk: Buffer): void => {
    if (this.#isBroken) return
    this.#chunks.push(chunk)
    this.#length += chunk.length
    // Chunks are joined only when the whole frame is here, because a large frame comes in thousands of chunks.
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
