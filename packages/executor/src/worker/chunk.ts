/** Handles results and errors that cannot be sent, or that may be nested too deeply for the pool. */
import { types } from 'node:util'
import { entriesOf, isDenseArray, itemsOf } from '../jobs/containers.ts'
import { explainUncloneable } from '../jobs/explain-uncloneable.ts'
import { encodeError, type EncodedError } from '../jobs/encode-error.ts'
import { JobSerializationError } from '../jobs/errors.ts'
import { transferListOf, unmark } from '../jobs/transfer.ts'
import type { ChunkOutcome } from '../transport/protocol.ts'
import type { Execution } from './execution.ts'
import type { WorkerChannel } from './runtime.ts'

type Cloner = Pick<WorkerChannel, 'tryClone'>

export function describeUnsent(
  value: unknown,
  name: string,
  { tryClone }: Cloner,
  cause: unknown,
): JobSerializationError {
  const moved = transferListOf([value])
  const why = explainUncloneable(value, name, (part) => tryClone(part, moved), cause)
  return new JobSerializationError(`cannot send back what the job gave: ${why}`, { cause })
}

export function isChunkOutcome(execution: Execution, value: unknown): value is ChunkOutcome {
  return execution.isChunked && value !== null && value !== undefined
}

/**
 * Returns a shorter chunk: the results before the first result that cannot be sent, and an error in place of that
 * result. Returns null if every result can be sent.
 */
export function trimChunk({ results }: ChunkOutcome, channel: Cloner): ChunkOutcome | null {
  for (const [index, result] of results.entries()) {
    try {
      channel.tryClone(result, transferListOf([result]))
    } catch (error) {
      const unsent = describeUnsent(result, 'result', channel, error)
      return { results: results.slice(0, index), error: encodeFailure(unsent, channel) }
    }
  }
  return null
}

/**
 * Results that are nested more deeply than this are sent alone. Any pool can read this many levels: with the engine's
 * default stack, the decoder reads about 3,000 levels of objects, but fewer when it is called from deeply nested calls.
 */
const readableDepth = 500

/**
 * Encodes a value that a job has thrown. A value in it that may be nested too deeply for the pool is replaced by a
 * description, because otherwise the pool could not read the error at all.
 */
export function encodeFailure(thrown: unknown, { tryClone }: Cloner): EncodedError {
  return encodeError(thrown, (value) => {
    if (isDeep(value)) throw new RangeError('the value is nested too deeply')
    tryClone(value)
  })
}

/**
 * Sends each result that may be nested too deeply for the pool in a separate message. The results before it are sent
 * first, in another message. Otherwise one such result would fail its whole chunk. Returns the rest of the chunk, which
 * the caller must send.
 */
export function sendDeepResults(
  { seq }: Execution,
  outcome: ChunkOutcome,
  channel: WorkerChannel,
): ChunkOutcome {
  if (!outcome.results.some(isDeep)) return outcome
  const { results, error } = trimChunk(outcome, channel) ?? outcome
  const send = (part: readonly unknown[]): void => {
    channel.post({ type: 'part', seq, results: part }, transferListOf(part))
    unmark(part)
  }
  let from = 0
  for (const [index, result] of results.entries()) {
    if (!isDeep(result)) continue
    if (index > from) send(results.slice(from, index))
    channel.post({ type: 'deep', seq })
    send([result])
    from = index + 1
  }
  return { results: results.slice(from), error }
}

/**
 * Whether `value` is nested more deeply than `readableDepth` in the message to the pool. If an object occurs twice in
 * `value`, the message holds its contents only at the first place. So this walk goes depth first, as the serializer
 * does, and skips objects that it has seen.
 */
function isDeep(value: unknown): boolean {
  const seen = new Set<object>()
  const walk = (part: unknown, depth: number): boolean => {
    if (typeof part !== 'object' || part === null || seen.has(part)) return false
    if (depth === readableDepth) return true
    if (ArrayBuffer.isView(part)) return false
    seen.add(part)
    const parts = listParts(part)
    for (let i = 0; i < parts.length; i++) if (walk(parts[i], depth + 1)) return true
    return false
  }
  return walk(value, 0)
}

function listParts(value: object): readonly unknown[] {
  if (isDenseArray(value)) return value
  const entries = entriesOf(value)
  if (entries !== null) return [...entries].flat()
  const items = itemsOf(value)
  if (items !== null) return [...items]
  return types.isNativeError(value) ? [value.cause] : Object.values(value)
}
