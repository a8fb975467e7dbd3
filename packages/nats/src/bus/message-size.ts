import { PayloadTooLarge } from '../errors.ts'
import type { Headers } from './bus.ts'

/**
 * Checks the size of a message. The size of the headers is an estimate, about 50 bytes too high.
 *
 * @param what the name of the message in the error
 * @throws {PayloadTooLarge} when the message with its headers has more than `limit` bytes
 */
export function checkSize(
  what: string,
  data: Uint8Array,
  headers: Headers | undefined,
  limit: number,
): void {
  let size = data.length
  if (headers !== undefined) {
    size += 64
    for (const [name, value] of Object.entries(headers)) size += name.length + value.length + 4
  }
  if (size > limit) throw new PayloadTooLarge(what, size, limit)
}
