/** Errors whose list of earlier errors is ours, and may be replaced when the same error is thrown again. */
const carriers = new WeakSet<object>()

/**
 * Lets `last`, which is about to be thrown, carry the errors before it in its property `errors`. The console shows them,
 * as it does for an AggregateError. An error with a list of its own, a frozen one or a primitive is left as it is.
 */
export function carryErrors(last: unknown, earlier: readonly unknown[]): void {
  if (!(last instanceof Error) || !Object.isExtensible(last)) return
  if ('errors' in last && !carriers.has(last)) return
  const errors = earlier.filter((error) => error !== last)
  if (errors.length === 0) return
  carriers.add(last)
  // Not enumerable, like the list of an AggregateError: what compares or copies errors does not see it.
  Object.defineProperty(last, 'errors', { value: errors, configurable: true, writable: true })
}
