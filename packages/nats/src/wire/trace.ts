import { ContextVar } from '@tasktree/core'

/** The name of the W3C header in the messages of NATS. */
export const traceHeader = 'traceparent'

/**
 * The trace context of the work that runs now, as the W3C header `traceparent` has it; null for none. It travels with jobs
 * and asks: where the job or the handler runs, it has the value that it had at the caller.
 */
export const traceparent: ContextVar<string | null> = new ContextVar<string | null>('traceparent', {
  default: null,
})
