import { FlowControl, type ReadTransport, StreamReader, StreamWriter } from '@tasktree/streams'
import type { Protocol } from './protocol.ts'
import type { Transport } from './transport.ts'

/** A protocol that connects a transport with a StreamReader and a StreamWriter. Source: asyncio.StreamReaderProtocol */
export class StreamProtocol implements Protocol {
  readonly reader: StreamReader
  readonly #flow = new FlowControl()
  readonly #onMade: ((reader: StreamReader, writer: StreamWriter) => void) | undefined
  #writer: StreamWriter | null = null

  constructor(
    limit: number | undefined,
    onMade?: (reader: StreamReader, writer: StreamWriter) => void,
  ) {
    this.reader = new StreamReader({ limit })
    this.#onMade = onMade
  }

  get writer(): StreamWriter {
    return this.#writer as StreamWriter
  }

  connectionMade(transport: Transport): void {
    this.reader.setTransport(new ReadSide(transport, this.#flow))
    this.#writer = new StreamWriter(transport, this.#flow, this.reader)
    this.#onMade?.(this.reader, this.#writer)
  }

  dataReceived(data: Buffer): void {
    this.reader.feedData(data)
  }

  eofReceived(): boolean {
    this.reader.feedEof()
    return true
  }

  connectionLost(error: Error | null): void {
    this.reader.feedEof(error)
    this.#flow.connectionLost(error)
  }

  /** @internal removes and returns the bytes that the reader holds, because `startTls` must pass them to TLS */
  takeUnread(): Buffer {
    return this.reader.takeUnread()
  }

  pauseWriting(): void {
    this.#flow.pauseWriting()
  }

  resumeWriting(): void {
    this.#flow.resumeWriting()
  }
}

/** The reading side of a connection. Through it the StreamReader pauses, resumes and closes the connection. */
class ReadSide implements ReadTransport {
  readonly #transport: Transport
  readonly #flow: FlowControl

  constructor(transport: Transport, flow: FlowControl) {
    this.#transport = transport
    this.#flow = flow
  }

  pauseReading(): void {
    this.#transport.pauseReading()
  }

  resumeReading(): void {
    this.#transport.resumeReading()
  }

  /** Closes the connection and waits until it has ended. An error that had ended it before this call is not thrown. */
  async close(): Promise<void> {
    this.#transport.close()
    if (!this.#flow.lost) await this.#flow.waitClosed()
  }

  getExtraInfo(name: string): unknown {
    return this.#transport.getExtraInfo(name)
  }
}
