import { PayloadTooLarge } from '../errors.ts'
import type { Headers } from './bus.ts'

/** @throws {PayloadTooLarge} when a message with these headers has more than `limit` bytes. `what` names it in the error. */
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
