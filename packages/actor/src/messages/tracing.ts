import { channel, type Channel } from 'node:diagnostics_channel'
import { Tracing } from '@tasktree/core/lowlevel'

/**
 * The data of the trace of a message. The trace begins when the handler is called, and ends with the outcome of the
 * handler.
 */
export interface MessageTrace {
  readonly path: string
  readonly incarnation: number
  readonly method: string
  /** The future of the ask; null for a tell. The channel `tasktree:actor:ask` has published the same object. */
  readonly ask: object | null
  /** The message itself. For a tell, the channel `tasktree:actor:tell` has published the same object. */
  readonly message: object
}

export const messageTracing: Tracing<MessageTrace> = new Tracing('tasktree:actor.message')
/** The data of the trace of an ask. The trace begins with the call and ends with the answer. */
export interface AskTrace {
  readonly path: string
  readonly method: string
  /** The future of the ask. */
  readonly ask: object
}

export const askTracing: Tracing<AskTrace> = new Tracing('tasktree:actor.ask')

/**
 * The channel on which each new tell is published. The handler runs later. A tool can connect the tell and its handler,
 * because the trace of the handler has the same message.
 */
export const tellMade: Channel = channel('tasktree:actor:tell')
/**
 * The channel on which the future of each new ask is published. The handler runs later, in the context of the actor. A
 * tool can connect the ask and its handler, because the trace of the handler has the same future.
 */
export const askMade: Channel = channel('tasktree:actor:ask')
