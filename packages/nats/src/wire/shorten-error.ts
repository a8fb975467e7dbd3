import type { EncodedError } from '@tasktree/executor/lowlevel'

type EncodedValue = EncodedError['thrown']
type ErrorRecord = EncodedError['records'][number]

const leftOut: EncodedValue = { value: '(left out)' }

/**
 * Returns the error with the beginnings of its texts, of at most `length` characters each, and with at most `parts` errors in
 * it, each with as many properties. What is left can be written as JSON.
 */
export function shortenError(
  { thrown, records }: EncodedError,
  length: number,
  parts: number,
): EncodedError {
  const cut = (text: string): string => {
    const rest = text.length - length
    return rest <= 0 ? text : `${text.slice(0, length)}… (${rest} more characters)`
  }
  const keep = (encoded: EncodedValue): EncodedValue => {
    if ('error' in encoded) return encoded.error < parts ? encoded : leftOut
    const { value } = encoded
    if (typeof value === 'string') return { value: cut(value) }
    return value === null || ['number', 'boolean', 'undefined'].includes(typeof value)
      ? encoded
      : leftOut
  }
  const shorten = (record: ErrorRecord): ErrorRecord => ({
    type: record.type,
    name: cut(record.name),
    message: cut(record.message),
    stack: cut(record.stack),
    ...(record.cause !== undefined && { cause: keep(record.cause) }),
    ...(record.errors !== undefined && { errors: record.errors.slice(0, parts).map(keep) }),
    properties: record.properties.slice(0, parts).map(([key, value]) => [cut(key), keep(value)]),
  })
  return { thrown: keep(thrown), records: records.slice(0, parts).map(shorten) }
}
