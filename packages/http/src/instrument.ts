import { Tracing } from '@tasktree/core/lowlevel'
import type { Incoming, Outgoing } from './node-messages.ts'

/**
 * A request to a server, from its head until its task has ended and its response is closed. A request whose client has
 * left, or whose deadline has passed, is cancelled. If the handler has thrown an error, the trace ends with that error.
 */
export interface RequestTrace {
  readonly incoming: Incoming
  /** When the trace ends, its `statusCode` is the status that was sent. */
  readonly outgoing: Outgoing
}

export const requestTracing: Tracing<RequestTrace> = new Tracing('tasktree:http.request')
