/**
 * At most this many earlier errors are kept, the last ones. A retry without a limit of attempts would otherwise fill the
 * memory.
 */
const KEPT = 100

/** Adds `error` to `earlier`, the errors of the attempts before. */
export function keepError(earlier: unknown[], error: unknown): void {
  if (earlier.push(error) > KEPT) earlier.shift()
}

/**
 * Sets the property `errors` of `last`, an error that is about to be thrown, to the errors before it. The console shows
 * these errors, as it does for an AggregateError. If `last` has such a list already, is frozen or is not an
 * Error, nothing is changed.
 */
export function carryErrors(last: unknown, earlier: readonly unknown[]): void {
  const errors = earlier.filter((error) => error !== last)
  if (errors.length === 0) return
  try {
    if (!(last instanceof Error) || 'errors' in last) return
    // The property is not enumerable, as in an AggregateError, so code that compares or copies errors does not see it. A
    // frozen error does not accept the property, and stays as it is.
    Reflect.defineProperty(last, 'errors', { value: errors, configurable: true, writable: true })
  } catch {
    // The thrown value is a Proxy, and looking at it throws. It stays as it is.
  }
}
