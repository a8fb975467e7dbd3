import type { Future } from './future.ts'

/** The key under which the console looks for a method. */
export const inspected: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never

/** What the console passes to it, to show what is inside. */
export type Inspect = (value: unknown, options: object) => string

/** `<Future finished result=1>`, as Python's `repr` does; no look at an exception. */
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
