import { Future } from '@tasktree/core'
import { BodyTooLargeError, ClientGoneError } from './errors.ts'
import type { Incoming } from './node-messages.ts'

/**
 * The number of bytes of a request's body that are read ahead. Node stops reading a connection when the buffer of the body
 * is full, and it notices that the client has left only while it reads. So the buffer is large.
 */
const readAhead = 1 << 20

/**
 * Makes `readAhead` the size of the read buffer. The property is not public API of Node. If a version of Node does not
 * have it, Node's own limit of 64 KiB stays.
 */
export function enlargeReadAhead(readable: object): void {
  const state = (readable as { _readableState?: { highWaterMark?: unknown } })._readableState
  if (typeof state?.highWaterMark === 'number') state.highWaterMark = readAhead
}

/** The exchange, or the upgrade of a connection, to which a request belongs. */
export interface RequestOwner {
  readonly incoming: Incoming
  /** Aborts when the task of the request is cancelled. */
  readonly signal: AbortSignal
  readonly maxBody: number
  /** Called when the client has gone. */
  leave(): void
  /** Tells the client to send its body, if it waits for permission. */
  continue(): void
}

/** The body of a request. Each wait for a part of it is a wait of the running code, so a cancel ends it. */
export class IncomingBody {
  readonly #owner: RequestOwner
  #received = 0
  #waiter: Future<void> | null = null
  #isListening = false
  #hasEnded = false
  #isBroken = false

  constructor(owner: RequestOwner) {
    this.#owner = owner
  }

  /**
   * Returns the next part; null at the end of the body.
   *
   * @throws {BodyTooLargeError} when there are more bytes than `maxBody`
   * @throws {ClientGoneError} when the client has gone
   */
  async read(): Promise<Buffer | null> {
    const { incoming, maxBody } = this.#owner
    this.#listen()
    for (;;) {
      const chunk = incoming.read() as Buffer | null
      if (chunk !== null) {
        this.#received += chunk.length
        if (this.#received > maxBody) throw new BodyTooLargeError(maxBody)
        return chunk
      }
      if (this.#hasEnded) return null
      if (this.#isBroken)
        throw new ClientGoneError('the client has gone before it had sent the body')
      this.#waiter = new Future<void>()
      await this.#waiter
    }
  }

  /** Reads all parts that are left, and returns them as one buffer. */
  async readAll(): Promise<Buffer> {
    const chunks: Buffer[] = []
    for (let chunk = await this.read(); chunk !== null; chunk = await this.read())
      chunks.push(chunk)
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
  }

  /** Returns the body as a stream that reads only when its reader asks for more. */
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const chunk = await this.read()
          if (chunk === null) controller.close()
          else controller.enqueue(chunk)
        },
        cancel: () => {
          this.#owner.incoming.resume()
        },
      },
      { highWaterMark: 0 },
    )
  }

  #listen(): void {
    if (this.#isListening) return
    this.#isListening = true
    const { incoming } = this.#owner
    if (incoming.readableEnded) this.#hasEnded = true
    else if (incoming.destroyed) this.#isBroken = true
    const wake = (): void => {
      const waiter = this.#waiter
      this.#waiter = null
      if (waiter !== null && !waiter.done()) waiter.setResult()
    }
    const breakOff = (): void => {
      if (this.#hasEnded || this.#isBroken) return
      this.#isBroken = true
      // The task is cancelled before the body fails, so that the handler gets the error of the cancel.
      this.#owner.leave()
      wake()
    }
    incoming.on('readable', wake)
    incoming.on('end', () => {
      this.#hasEnded = true
      wake()
    })
    incoming.on('error', breakOff)
    incoming.on('close', breakOff)
    this.#owner.continue()
  }
}
