import { Tracing } from '@tasktree/core/lowlevel'
import type { Incoming, Outgoing } from './message.ts'

/**
 * A request to a server, from its head until its task has ended and its response is closed. A request whose client has
 * left, or whose deadline has passed, is cancelled. What the handler has thrown is its error.
 */
export interface RequestTrace {
  readonly incoming: Incoming
  /** Has the status at the end. */
  readonly outgoing: Outgoing
}

export const requestTracing: Tracing<RequestTrace> = new Tracing('tasktree:http.request')
