import { channel, type Channel } from 'node:diagnostics_channel'
import { Tracing } from '@tasktree/core/lowlevel'

/**
 * What the trace of a message contains. The trace begins when the handler is called, and ends with the outcome of the
 * handler.
 */
export interface MessageTrace {
  readonly path: string
  readonly incarnation: number
  readonly method: string
  /** The future of the ask, the object that was published on the channel `tasktree:actor:ask`; null for a tell. */
  readonly ask: object | null
  /** The message itself, which `tasktree:actor:tell` has told of before if it is a tell. */
  readonly message: object
}

export const messageTracing: Tracing<MessageTrace> = new Tracing('tasktree:actor.message')
/** An ask, from its call to its answer. */
export interface AskTrace {
  readonly path: string
  readonly method: string
  /** The future of the ask. */
  readonly ask: object
}

export const askTracing: Tracing<AskTrace> = new Tracing('tasktree:actor.ask')

/** Published when a tell was made. The handler runs later, and a tool connects the two by the message. */
export const tellMade: Channel = channel('tasktree:actor:tell')
/**
 * The channel on which the future of each new ask is published. The handler of the ask runs later, in the context of
 * the actor. A tool can connect the ask and its handler, because the trace of the handler has the same future.
 */
export const askMade: Channel = channel('tasktree:actor:ask')
