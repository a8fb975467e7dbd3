import { channel, type Channel } from 'node:diagnostics_channel'
import { Tracing } from '@tasktree/core/lowlevel'

/** A message in its handler. */
export interface MessageTrace {
  readonly path: string
  readonly incarnation: number
  readonly method: string
  /** The future of the ask, which `tasktree:actor:ask` has told of before; null for a tell. */
  readonly ask: object | null
}

export const messageTracing: Tracing<MessageTrace> = new Tracing('tasktree:actor.message')
/**
 * Published when an ask was made. The handler runs later, in the context of the actor, and a tool connects the ask and its
 * handler by the published object.
 */
export const askMade: Channel = channel('tasktree:actor:ask')
