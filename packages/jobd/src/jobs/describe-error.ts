import { isCancelled } from '@tasktree/core'
import { shorten } from './shorten.ts'

/** At most this many causes are followed, because a chain of causes may be a circle. */
const deepest = 5

/** At most this many errors are described, because an AggregateError may have any number of them. */
const mostErrors = 100

/** The text for a value that throws when it is looked at, such as a getter or a Proxy. */
const indescribable = 'a value was thrown that cannot be described'

/**
 * Returns the message of an error together with the messages of its causes: "fetch failed: connect ECONNREFUSED
 * 127.0.0.1:1". The first message alone is often not helpful. Of a long text the beginning and the end are returned.
 *
 * Never throws, whatever `error` is: the state of a job depends on this text.
 */
export function describeError(error: unknown): string {
  try {
    return shorten(describe(error, 0, { left: mostErrors }))
  } catch {
    return indescribable
  }
}

function describe(error: unknown, depth: number, budget: { left: number }): string {
  budget.left--
  if (!(error instanceof Error)) return String(error)
  const given: unknown = error.message
  const message = given === '' ? nameOf(error) : String(given)
  if (depth >= deepest) return message
  const inner = innerErrors(error)
    .map((each) => (budget.left > 0 ? describe(each, depth + 1, budget) : ''))
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
