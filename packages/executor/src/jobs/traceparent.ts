import { ContextVar } from '@tasktree/core'
import type { Carrier } from '../transport/protocol.ts'

const key = Symbol.for('@tasktree/executor.traceparent')

/** Finds the one variable that all copies of this package share, because a job's module may have loaded another copy. */
function findVariable(): ContextVar<string | null> {
  const home = globalThis as { [key]?: ContextVar<string | null> }
  return (home[key] ??= new ContextVar<string | null>('traceparent', { default: null }))
}

/**
 * The trace context of the running code, in the form of the W3C header `traceparent`; null if there is none. The value
 * travels with jobs: in the function of a job, this variable has the value that it had at `submit`.
 *
 * @example
 *     traceparent.set('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')
 *     await toThread(() => {}) // a function of a job's module reads the same value by traceparent.get()
 */
export const traceparent: ContextVar<string | null> = findVariable()

/** Returns the text fields that travel with a job that is submitted now; null if there is no trace. */
export function carriedTrace(): Carrier | null {
  const value = traceparent.get()
  return value === null ? null : { traceparent: value }
}

/**
 * Sets the trace context for the job that a worker begins now. A worker runs one job at a time, outside of all tasks,
 * so it is enough to set the variable there. The job does not get a separate context, because the job's function could
 * then not call `run`.
 */
export function enterTrace(carrier: Carrier | null): void {
  const value = carrier?.['traceparent'] ?? null
  if (traceparent.get() !== value) traceparent.set(value)
}
