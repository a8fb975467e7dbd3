/** What happens to results that cannot be sent, alone or in a chunk of `map`. */
import { explainUncloneable } from '../jobs/clone-path.ts'
import { encodeError } from '../jobs/encode-error.ts'
import { JobSerializationError } from '../jobs/errors.ts'
import type { ChunkOutcome } from '../transport/protocol.ts'
import type { Execution } from './execution.ts'

interface Cloner {
  readonly tryClone: (value: unknown) => void
}

export function describeUnsent(
  value: unknown,
  name: string,
  { tryClone }: Cloner,
  cause: unknown,
): JobSerializationError {
  const why = explainUncloneable(value, name, tryClone, cause)
  return new JobSerializationError(`cannot send back what the job gave: ${why}`, { cause })
}

export function isChunkOutcome(execution: Execution, value: unknown): value is ChunkOutcome {
  return execution.isChunked && value !== null && value !== undefined
}

/** The results before the first that cannot be sent, which fails the chunk as it would fail a job of its own. */
export function trimChunk({ results }: ChunkOutcome, channel: Cloner): ChunkOutcome | null {
  for (const [index, result] of results.entries()) {
    try {
      channel.tryClone(result)
    } catch (error) {
      const unsent = describeUnsent(result, 'result', channel, error)
      return { results: results.slice(0, index), error: encodeError(unsent, channel.tryClone) }
    }
  }
  return null
}
