import { decodeValue, encodeValue } from '@tasktree/executor/lowlevel'
import { describe } from '@tasktree/core/lowlevel'

/** Turns values into bytes and back. All programs of a cluster must have the same one. */
export interface Codec {
  /** @throws for a value that it cannot carry */
  encode(value: unknown): Uint8Array
  decode(bytes: Uint8Array): unknown
}

/** What structured clone carries: Map, Set, Date, BigInt, typed arrays, cycles. The default. Only Node can read it. */
export const cloneCodec: Codec = {
  encode: encodeValue,
  decode: (bytes) => decodeValue(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
}

/** JSON, which programs in other languages can read. `undefined` becomes null, and what JSON cannot express is refused. */
export const jsonCodec: Codec = {
  encode: (value) => {
    const text = JSON.stringify(value ?? null) as string | undefined
    if (text === undefined) throw new TypeError(`${describe(value)} could not be written as JSON`)
    return new TextEncoder().encode(text)
  },
  decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as unknown,
}

/** @throws {TypeError} */
export function checkCodec(codec: unknown): void {
  const { encode, decode } = Object(codec) as Partial<Codec>
  if (typeof encode === 'function' && typeof decode === 'function') return
  throw new TypeError(
    `the option codec must have the functions encode and decode, got ${describe(codec)}`,
  )
}
