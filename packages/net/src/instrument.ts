import { Tracing } from '@tasktree/core/lowlevel'
import type { Transport } from './transport.ts'

/** The data of one trace, which begins when a server has accepted a connection, and ends when the connection is lost. */
export interface ConnectionTrace {
  readonly transport: Transport
  readonly peername: unknown
}

export const connectionTracing: Tracing<ConnectionTrace> = new Tracing('tasktree:connection')
