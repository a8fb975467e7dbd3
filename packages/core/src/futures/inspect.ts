import { describe } from '../arguments.ts'
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
  const shown = outcome(future.peekOutcome(), depth, inspect)
  return `finished ${future.hasFailed() ? 'exception' : 'result'}=${shown}`
}

function outcome(value: unknown, depth: number, inspect: (value: unknown) => string): string {
  try {
    if (value instanceof Error) return `${value.name}: ${value.message}`
    return depth < 0 ? '…' : inspect(value)
  } catch {
    // The value is a Proxy or has a getter, and reading a property of it throws.
    return describe(value)
  }
}
