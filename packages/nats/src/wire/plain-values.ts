/**
 * A short encoding for small values.
 *
 * The problem: the serializer of V8 takes 2 to 10 microseconds to set up and to release for each value, which is a tenth
 * of a small job, and leaves work for the garbage collector. Most values need nothing of it: the arguments `[1, 2]`, or
 * the result `true`.
 *
 * The idea: texts, numbers, booleans, null, and flat lists of them are encoded as JSON, if JSON gives back exactly the same
 * value; undefined is one byte. The first byte tells the encodings apart: V8's begins with 255, which no JSON text does.
 */

/** A list or a text that is longer than this is left to V8, because the check would take longer than it saves. */
const longest = 64

const versionTag = 0xff
const undefinedTag = 0x75

/** Whether JSON gives back exactly this value. It does not for NaN, the infinities and -0. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= longest
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  return typeof value === 'boolean' || value === null
}

function isPlainList(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > longest) return false
  // A hole is not plain, because it reads as undefined. Any further key is a property that JSON would lose.
  for (const item of value as readonly unknown[]) if (!isPlain(item)) return false
  return Object.keys(value).length === value.length
}

/** Returns null for a value that needs the serializer of V8. */
export function encodePlain(value: unknown): Uint8Array | null {
  if (value === undefined) return Uint8Array.of(undefinedTag)
  return isPlain(value) || isPlainList(value) ? Buffer.from(JSON.stringify(value)) : null
}

/** Whether `encodePlain` has made these bytes. */
export function isEncodedPlain(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes[0] !== versionTag
}

export function decodePlain(bytes: Uint8Array): unknown {
  if (bytes[0] === undefinedTag) return undefined
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
}
