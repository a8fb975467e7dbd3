import { JetStreamApiError } from '@nats-io/jetstream'
import { errors } from '@nats-io/transport-node'
import { BusTimeout, ClusterClosed } from '../errors.ts'

/** The error codes of JetStream. */
export const code = {
  noJetStream: 10_039,
  noStream: 10_059,
  streamNameInUse: 10_058,
  subjectsOverlap: 10_065,
  noMessage: 10_037,
  noConsumer: 10_014,
  full: 10_077,
} as const
const wrongSequence: ReadonlySet<number> = new Set([10_071, 10_164])

export function isRefusal(error: unknown, number: number): boolean {
  return error instanceof JetStreamApiError && error.code === number
}

/** Whether a write was refused because the key or the subject was at another revision than the writer expected. */
export function isWrongSequence(error: unknown): boolean {
  return error instanceof JetStreamApiError && wrongSequence.has(error.code)
}

/**
 * Returns the error of this package for an error of the client that is not about the request itself, such as a lost
 * connection. Returns other errors unchanged.
 */
export function translate(error: unknown, what: string): unknown {
  if (error instanceof errors.TimeoutError) return new BusTimeout(what, { cause: error })
  if (error instanceof errors.RequestError || error instanceof errors.NoRespondersError) {
    return new BusTimeout(what, { cause: error })
  }
  if (error instanceof errors.ClosedConnectionError) return new ClusterClosed()
  if (error instanceof errors.DrainingConnectionError) return new ClusterClosed()
  return error
}
