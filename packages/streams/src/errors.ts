/** The stream ended before all bytes that were asked for had come. Source: asyncio.IncompleteReadError */
export class IncompleteReadError extends Error {
  override readonly name: string = 'IncompleteReadError'
  readonly code: string = 'ERR_STREAMS_INCOMPLETE_READ'
  /** What had come. */
  readonly partial: Buffer
  /** How many bytes were asked for; null when it was a separator. */
  readonly expected: number | null

  constructor(partial: Buffer, expected: number | null) {
    super(`the stream ended after ${partial.length} of ${expected ?? 'an unknown number of'} bytes`)
    this.partial = partial
    this.expected = expected
  }
}

/** More bytes came than the limit allows, and no separator. Source: asyncio.LimitOverrunError */
export class LimitOverrunError extends Error {
  override readonly name: string = 'LimitOverrunError'
  readonly code: string = 'ERR_STREAMS_LIMIT_OVERRUN'
  /** How many bytes may be read to get on. */
  readonly consumed: number

  constructor(message: string, consumed: number) {
    super(message)
    this.consumed = consumed
  }
}

/** The peer has gone. Source: ConnectionResetError */
export class ConnectionResetError extends Error {
  override readonly name: string = 'ConnectionResetError'
  readonly code: string = 'ECONNRESET'
}
