/** The stream ended before a read was complete. Source: asyncio.IncompleteReadError */
export class IncompleteReadError extends Error {
  override readonly name: string = 'IncompleteReadError'
  readonly code: string = 'ERR_STREAMS_INCOMPLETE_READ'
  /** The bytes that came before the end; they are no longer in the reader. */
  readonly partial: Buffer
  /** How many bytes the read asked for, or null for a read up to a separator. */
  readonly expected: number | null

  constructor(partial: Buffer, expected: number | null) {
    super(
      `the stream ended after ${partial.length} bytes of ${expected === null ? 'a read up to a separator' : `${expected} expected bytes`}`,
    )
    this.partial = partial
    this.expected = expected
  }
}

/** No separator came within the reader's limit. Source: asyncio.LimitOverrunError */
export class LimitOverrunError extends RangeError {
  override readonly name: string = 'LimitOverrunError'
  readonly code: string = 'ERR_STREAMS_LIMIT_OVERRUN'
  /** How many bytes lie before the separator, or, if there is none yet, are known not to contain it. */
  readonly consumed: number

  constructor(message: string, consumed: number) {
    super(message)
    this.consumed = consumed
  }
}
