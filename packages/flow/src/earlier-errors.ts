/**
 * Lets `last`, which is about to be thrown, carry the errors before it in its property `errors`. The console shows them,
 * as it does for an AggregateError. An error with a list of its own, a frozen one or a primitive is left as it is.
 */
export function carryErrors(last: unknown, earlier: readonly unknown[]): void {
  const errors = earlier.filter((error) => error !== last)
  if (errors.length === 0 || !(last instanceof Error) || 'errors' in last) return
  // Not enumerable, like the list of an AggregateError: code that compares or copies errors does not see it. A frozen
  // error refuses it.
  Reflect.defineProperty(last, 'errors', { value: errors, configurable: true, writable: true })
}
