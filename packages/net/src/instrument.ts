import { Tracing } from '@tasktree/core/lowlevel'
import type { Transport } from './transport.ts'

/** A connection that a server has accepted, until it is lost. */
export interface ConnectionTrace {
  readonly transport: Transport
  readonly peername: unknown
}

export const connectionTracing: Tracing<ConnectionTrace> = new Tracing('tasktree:connection')
