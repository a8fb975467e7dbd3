import type { ServerResponse } from 'node:http'
import { writeHead } from './page-files.ts'

/** Something is sent at least every this many milliseconds, because only a send shows that the other side has vanished. */
const longestSilence = 15_000

/** Milliseconds until a browser that lost its connection opens another. */
const reconnectTime = 500

/** An answer that stays open: server-sent events. */
export class EventStream {
  readonly #response: ServerResponse
  #sentAt = performance.now()

  constructor(response: ServerResponse) {
    this.#response = response
  }

  /** Calls `closed` once, when either side has closed it. */
  open(closed: () => void): void {
    if (this.#response.closed) {
      closed()
      return
    }
    this.#response.once('close', closed)
    // Without this header nginx would collect the events before it passes them on.
    writeHead(this.#response, 200, 'events', { 'X-Accel-Buffering': 'no' })
    this.#response.write(`retry: ${reconnectTime}\n\n`)
  }

  /** Whether the other side has taken what was sent. */
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
