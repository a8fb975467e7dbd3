import type { Future } from './future.ts'

/** The key of the method by which an object tells `console.log` how to show it. */
export const inspected: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never

/**
 * The function that the console passes to an object's `[inspected]` method. The method calls it to get the text of a
 * value that the object holds.
 */
export type Inspect = (value: unknown, options: object) => string

/**
 * Returns a text such as `<Future finished result=1>`, as Python's `repr` does. `inspect` gives the text of the result.
 * If `depth`, the number of nested levels that may still be shown, is below 0, `…` is shown in place of the result. The
 * exception of a failed future does not count as read by this call: if no code reads the exception, the failure is
 * still reported later.
 */
export function showFuture(
  future: Future<unknown>,
  depth: number,
  inspect: (value: unknown) => string,
): string {
  return `<${future.constructor.name}${future.inspectedName()} ${state(future, depth, inspect)}>`
}

function state(
  future: Future<unknown>,
  depth: number,
  inspect: (value: unknown) => string,
): string {
  if (!future.done()) return 'pending'
  if (future.cancelled()) return 'cancelled'
  const value = future.peekOutcome()
  const shown =
    value instanceof Error ? `${value.name}: ${value.message}` : depth < 0 ? '…' : inspect(value)
  return `finished ${future.hasFailed() ? 'exception' : 'result'}=${shown}`
}
