import { types } from 'node:util'
import { decodeValue, encodeValue } from '@tasktree/executor/lowlevel'
import { describe } from '@tasktree/core/lowlevel'
import { decodePlain, encodePlain, isEncodedPlain } from './plain-values.ts'

/** Encodes values as bytes, and decodes them. All programs of a cluster must use the same codec. */
export interface Codec {
  /** @throws an error for a value that the codec cannot encode */
  encode(value: unknown): Uint8Array
  decode(bytes: Uint8Array): unknown
}

/**
 * The default codec. It encodes everything that structured clone can copy: Map, Set, Date, BigInt, typed arrays, cycles.
 * Only Node can decode it.
 *
 * @example
 *     const bytes = cloneCodec.encode(new Map([['apples', 3]]))
 *     console.log(cloneCodec.decode(bytes)) // Map(1) { 'apples' => 3 }
 */
export const cloneCodec: Codec = {
  encode: (value) => encodePlain(value) ?? encodeValue(value),
  decode: (bytes) =>
    isEncodedPlain(bytes)
      ? decodePlain(bytes)
      : decodeValue(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
}

/**
 * JSON, for clusters with programs in other languages. It encodes `undefined` as null, and else does what JSON.stringify does:
 * it throws for a bigint and a cycle, but writes a Map as {}, and NaN, or a function in a list, as null.
 *
 * @example
 *     console.log(new TextDecoder().decode(jsonCodec.encode({ apples: 3 }))) // {"apples":3}
 */
export const jsonCodec: Codec = {
  encode: (value) => {
    const text = JSON.stringify(value ?? null) as string | undefined
    if (text === undefined) throw new TypeError(`${describe(value)} could not be written as JSON`)
    return new TextEncoder().encode(text)
  },
  decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as unknown,
}

/**
 * Returns the codec, with a check of what its functions return.
 *
 * @throws {TypeError} when `codec` is not a codec
 */
export function checkedCodec(codec: Codec): Codec {
  if (codec === cloneCodec || codec === jsonCodec) return codec
  const { encode, decode } = Object(codec) as Partial<Codec>
  if (typeof encode !== 'function' || typeof decode !== 'function') {
    throw new TypeError(
      `the option codec must have the functions encode and decode, got ${describe(codec)}`,
    )
  }
  return {
    encode: (value) => {
      const bytes: unknown = codec.encode(value)
      if (types.isUint8Array(bytes)) return bytes
      throw new TypeError(`the codec must encode a value as a Uint8Array, got ${describe(bytes)}`)
    },
    decode: (bytes) => {
      const value = codec.decode(bytes)
      if (!(value instanceof Promise)) return value
      throw new TypeError('the codec must decode a value in the call, got a promise')
    },
  }
}
