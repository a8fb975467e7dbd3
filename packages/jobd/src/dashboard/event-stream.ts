import type { ServerResponse } from 'node:http'
import { writeHead } from './page-files.ts'

/**
 * After this many milliseconds without an event, a comment is sent, because only a send shows that the client has gone.
 */
const longestSilence = 15_000

/** Milliseconds after which a browser that has lost its connection connects again. */
const reconnectTime = 500

/** An HTTP response that stays open and carries server-sent events. */
export class EventStream {
  readonly #response: ServerResponse
  #sentAt = performance.now()

  constructor(response: ServerResponse) {
    this.#response = response
  }

  /** Begins the response. Calls `closed` once, when the client or the server has closed the stream. */
  open(closed: () => void): void {
    if (this.#response.closed) {
      closed()
      return
    }
    this.#response.once('close', closed)
    // Without this header nginx would hold events back and pass on many at once.
    writeHead(this.#response, 200, 'events', { 'X-Accel-Buffering': 'no' })
    this.#response.write(`retry: ${reconnectTime}\n\n`)
  }

  /** Whether the client has read what was sent, so that more may be sent. */
  get isReady(): boolean {
    return !this.#response.writableNeedDrain && !this.#response.writableEnded
  }

  send(event: string, data: unknown): void {
    this.#response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    this.#sentAt = performance.now()
  }

  keepAlive(): void {
    if (performance.now() - this.#sentAt < longestSilence) return
    this.#response.write(': still here\n\n')
    this.#sentAt = performance.now()
  }

  /** Ends the stream. Nothing can be sent afterwards. */
  close(): void {
    this.#response.end()
  }
}
