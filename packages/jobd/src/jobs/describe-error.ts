import { isCancelled } from '@tasktree/core'

/** At most this many causes are followed, because a chain of causes may be a circle. */
const deepest = 5

/**
 * Returns the message of an error together with the messages of its causes: "fetch failed: connect ECONNREFUSED
 * 127.0.0.1:1". The first message alone is often not helpful.
 */
export function describeError(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return String(error)
  const message = error.message === '' ? nameOf(error) : error.message
  if (depth >= deepest) return message
  const inner = innerErrors(error)
    .map((each) => describeError(each, depth + 1))
    .filter((text) => text !== '' && !message.includes(text))
  return [message, [...new Set(inner)].join('; ')].filter((part) => part !== '').join(': ')
}

function innerErrors(error: Error): unknown[] {
  const members: unknown[] = error instanceof AggregateError ? error.errors : []
  // A CancelledError as the cause only says how the work was interrupted, for example by a time limit.
  if (error.cause === undefined || error.cause === null || isCancelled(error.cause)) return members
  return [...members, error.cause]
}

/**
 * Returns a text for an error without a message. It may have a code, for example the error of Node for a connection
 * that failed at several addresses.
 */
function nameOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
