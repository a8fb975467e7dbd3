import { channel, type Channel } from 'node:diagnostics_channel'
import { Tracing } from '@tasktree/core/lowlevel'
import type { ExitReason } from '../exit-reason.ts'
import type { Message } from '../messages/envelope.ts'

interface OfChild {
  readonly path: string
  readonly id: string
  readonly incarnation: number
}

/** What happens in a system, in the order it happens. */
export type SystemEvent =
  | (OfChild & { readonly type: 'started' })
  | (OfChild & { readonly type: 'exited'; readonly reason: ExitReason })
  /** A restart was decided: `incarnation` ended, `nextIncarnation` starts after `delay` ms. */
  | (OfChild & {
      readonly type: 'restarting'
      readonly nextIncarnation: number
      readonly reason: ExitReason
      readonly attempt: number
      readonly delay: number
    })
  | (OfChild & { readonly type: 'start-failed'; readonly error: unknown })
  /** The child was asked to end, and ended for another reason. */
  | (OfChild & { readonly type: 'shutdown-error'; readonly reason: ExitReason })
  /** A handler threw and the actor goes on, because `decide` said so, or because a tell threw a ReplyError or an AskCycle. */
  | (OfChild & { readonly type: 'resumed'; readonly error: unknown; readonly message: string })
  /** It was killed, and its code goes on because that awaits something that cannot be cancelled. */
  | (OfChild & { readonly type: 'zombie'; readonly message: string; readonly sinceMs: number })
  | (OfChild & { readonly type: 'zombie-settled'; readonly message: string })
  /** One message kept the thread for longer than the loop's `slowCallbackDuration`. */
  | (OfChild & { readonly type: 'slow'; readonly message: string; readonly ms: number })
  /** A promise that a handler did not await rejected; with the option `attributeRejections`. */
  | (OfChild & { readonly type: 'unhandled-rejection'; readonly error: unknown })
  | { readonly type: 'dead-letter'; readonly letter: DeadLetter }

export type DeadLetterReason =
  | 'no-proc'
  | 'stopped'
  | 'draining'
  | 'mailbox-full'
  | 'dropped-oldest'
  | 'dropped-on-restart'
  | 'unhandled-down'

/** A message that no handler will see. */
export interface DeadLetter {
  readonly path: string
  readonly message: Message
  readonly reason: DeadLetterReason
}

export const actorStart: Channel = channel('tasktree:actor:start')
export const actorStop: Channel = channel('tasktree:actor:stop')
export const actorRestart: Channel = channel('tasktree:actor:restart')

/** A restart, in the moment of the decision. */
export const restartTracing: Tracing<SystemEvent> = new Tracing('tasktree:actor.restart')
