import { channel, type Channel } from 'node:diagnostics_channel'
import { Tracing } from '@tasktree/core/lowlevel'

/**
 * What the tracing channel `tasktree:actor.message` publishes for one message. The trace begins when the handler is
 * called. It ends when the handler has returned or thrown; if the handler returned a promise, when the promise has
 * settled, or when a kill has given up the wait for it.
 */
export interface MessageTrace {
  readonly path: string
  readonly incarnation: number
  readonly method: string
  /**
   * The future of the ask; null for a tell. The channel `tasktree:actor:ask` has published the same future when the ask
   * was made, so a tool can connect the ask with this trace.
   */
  readonly ask: object | null
  /**
   * The message itself. For a tell, the channel `tasktree:actor:tell` has published the same object when the tell was
   * sent, so a tool can connect the tell with this trace.
   */
  readonly message: object
}

export const messageTracing: Tracing<MessageTrace> = new Tracing('tasktree:actor.message')
/**
 * What the tracing channel `tasktree:actor.ask` publishes for one ask. The trace begins when the ask is made, and ends
 * when the ask is answered, fails or is cancelled.
 */
export interface AskTrace {
  readonly path: string
  readonly method: string
  /** The future of the ask. */
  readonly ask: object
}

export const askTracing: Tracing<AskTrace> = new Tracing('tasktree:actor.ask')

/**
 * The channel on which each new tell is published when it is sent. The handler of the tell runs later. A tool can
 * connect the tell and the handler, because the channel `tasktree:actor.message` publishes the same message for the
 * handler.
 */
export const tellMade: Channel = channel('tasktree:actor:tell')
/**
 * The channel on which the future of each new ask is published. The handler runs later, and not in the asynchronous
 * context of the sender. A tool can connect the ask and the handler, because the channel `tasktree:actor.message`
 * publishes the same future for the handler.
 */
export const askMade: Channel = channel('tasktree:actor:ask')
