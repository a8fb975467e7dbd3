import { describe } from '@tasktree/core/lowlevel'

/** The types that a caller may pass as bytes. A string stands for its UTF-8 bytes. */
export type Bytes = Uint8Array | string

/**
 * Returns `data` as a Buffer. If `data` is a Uint8Array, the Buffer shares its memory.
 *
 * @throws {TypeError} when `data` is neither a Uint8Array nor a string
 */
export function toBuffer(data: Bytes): Buffer {
  if (Buffer.isBuffer(data)) return data
  if (typeof data === 'string') return Buffer.from(data)
  if (data instanceof Uint8Array) return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  throw new TypeError(`expected a Buffer, Uint8Array or string, got ${describe(data)}`)
}
