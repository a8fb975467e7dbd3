/** The stream ended before a read was complete. Source: asyncio.IncompleteReadError */
export class IncompleteReadError extends Error {
  override readonly name: string = 'IncompleteReadError'
  readonly code: string = 'ERR_STREAMS_INCOMPLETE_READ'
  /** The bytes that arrived before the end. They were removed from the reader. */
  readonly partial: Buffer
  /** How many bytes the read requested; null for a read up to a separator. */
  readonly expected: number | null

  constructor(partial: Buffer, expected: number | null) {
    super(
      `the stream ended after ${partial.length} bytes of ${expected === null ? 'a read up to a separator' : `${expected} expected bytes`}`,
    )
    this.partial = partial
    this.expected = expected
  }
}

/**
 * No separator came within the number of bytes that the option `limit` of the reader allows.
 *
 * Source: asyncio.LimitOverrunError
 */
export class LimitOverrunError extends RangeError {
  override readonly name: string = 'LimitOverrunError'
  readonly code: string = 'ERR_STREAMS_LIMIT_OVERRUN'
  /**
   * How many bytes lie before the separator. If no separator has arrived yet, how many bytes were searched in which no
   * separator begins. If a `for await` loop over a command of the package subprocess throws the error, how many characters
   * the line has.
   */
  readonly consumed: number

  constructor(message: string, consumed: number) {
    super(message)
    this.consumed = consumed
  }
}
