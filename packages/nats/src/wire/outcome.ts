/**
 * Encodes the outcome of a job or an ask: one byte for its kind, then the value or the error. The record of a job and the
 * answer to its submitter are the same bytes.
 *
 * An error that the codec cannot encode is encoded as JSON, so that each job and each ask gets an outcome with every codec.
 */
import { decodeError, encodeError, type EncodedError } from '@tasktree/executor/lowlevel'
import { ResultTooLarge } from '../errors.ts'
import { carryErrorClasses } from './error-classes.ts'
import type { Codec } from './codec.ts'
import { textOf } from './readable.ts'
import { shortenError } from './shorten-error.ts'

export type Outcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'cancelled' }

/** The first bytes of messages that are not outcomes are in `progress.ts` and `ask-message.ts`. */
const tags = { value: 0, error: 1, cancelled: 2, plainError: 7 } as const

/** The outcome of a job that was cancelled. */
export const cancelledOutcome: Uint8Array = Uint8Array.of(tags.cancelled)

function tagged(tag: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(body.length + 1)
  bytes[0] = tag
  bytes.set(body, 1)
  return bytes
}

/**
 * Encodes the outcome of `what`, a job or an ask, in at most `limit` bytes. Of an error that is larger, the beginning of its
 * texts is kept. In place of a value that is larger, or that the codec cannot encode, the outcome is an error that says so: the
 * job has run, so it is not run again.
 */
export function encodeOutcome(
  outcome: Outcome,
  codec: Codec,
  what: string,
  limit: number,
): Uint8Array {
  if (outcome.kind === 'cancelled') return cancelledOutcome
  if (outcome.kind === 'error') return encodeThrown(outcome.error, codec, what, limit)
  let error: Error
  try {
    const bytes = tagged(tags.value, codec.encode(outcome.value))
    if (bytes.length <= limit) return bytes
    error = new ResultTooLarge(what, bytes.length, limit)
  } catch (cause) {
    error = new TypeError(`the result of ${what} cannot be sent: ${textOf(cause)}`, { cause })
  }
  return encodeThrown(error, codec, what, limit)
}

function encodeThrown(thrown: unknown, codec: Codec, what: string, limit: number): Uint8Array {
  carryErrorClasses()
  const encoded = encodeError(thrown, (value) => void codec.encode(value))
  const whole = encodeEncoded(encoded, codec, limit)
  if (whole.length <= limit) return whole
  // A thrown value that is neither an error nor a text has no beginning.
  if ('error' in encoded.thrown || typeof encoded.thrown.value === 'string') {
    for (const { parts, shortest } of cuts) {
      for (let length = limit / 4; length >= shortest; length /= 4) {
        const shorter = shortenError(encoded, Math.floor(length), parts)
        const bytes = encodeEncoded(shorter, codec, limit)
        if (bytes.length <= limit) return bytes
      }
    }
  }
  const tooLarge = new ResultTooLarge(what, whole.length, limit)
  return encodeEncoded(
    encodeError(tooLarge, () => {}),
    codec,
    limit,
  )
}

/** How an error is shortened: how many parts are kept, and to how few characters their texts are cut. */
const cuts = [
  { parts: 16, shortest: 64 },
  { parts: 1, shortest: 16 },
] as const

function encodeEncoded(error: EncodedError, codec: Codec, limit: number): Uint8Array {
  try {
    return tagged(tags.error, codec.encode(error))
  } catch {
    const text = JSON.stringify(shortenError(error, limit, cuts[0].parts))
    return tagged(tags.plainError, new TextEncoder().encode(text))
  }
}

/** Decodes the outcome of a job. `sentAt` returns the stack of the call that submitted the job; it is added to an error. */
export function decodeOutcome(
  bytes: Uint8Array,
  codec: Codec,
  sentAt: () => string = () => '',
): Outcome {
  const body = bytes.subarray(1)
  if (bytes[0] === tags.cancelled) return { kind: 'cancelled' }
  if (bytes[0] === tags.value) return { kind: 'value', value: codec.decode(body) }
  carryErrorClasses()
  const encoded: unknown =
    bytes[0] === tags.plainError ? JSON.parse(new TextDecoder().decode(body)) : codec.decode(body)
  return { kind: 'error', error: decodeError(encoded as EncodedError, sentAt()) }
}
