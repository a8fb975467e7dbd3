/** How deep a chain of causes is followed: it could be a circle. */
const deepest = 5

/**
 * The message of an error and of its causes: "fetch failed: connect ECONNREFUSED 127.0.0.1:1". The outermost message
 * alone often says nothing.
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
  return error.cause === undefined || error.cause === null ? members : [...members, error.cause]
}

/** An error without a message may still have a code, as the error that collects the failures of several addresses does. */
function nameOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
