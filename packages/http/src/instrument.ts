import { Tracing } from '@tasktree/core/lowlevel'
import type { Incoming, Outgoing } from './node-messages.ts'

/**
 * The data of one trace: a request to a server. The trace begins with the head of the request, and ends when the task of
 * the request has ended and the response is closed. A request whose client has left, or whose deadline has passed, is
 * cancelled. If the handler has thrown an error, the trace ends with that error.
 */
export interface RequestTrace {
  readonly incoming: Incoming
  /** When the trace ends, the `statusCode` of this response is the status that was sent. */
  readonly outgoing: Outgoing
}

export const requestTracing: Tracing<RequestTrace> = new Tracing('tasktree:http.request')
