import { channel, type Channel } from 'node:diagnostics_channel'
import { Tracing } from '@tasktree/core/lowlevel'
import type { ExitReason } from '../exit-reason.ts'
import type { Message } from '../messages/envelope.ts'

interface OfChild {
  readonly path: string
  readonly id: string
  readonly incarnation: number
}

/** The events of an ActorSystem. They are published in the order in which they happen. */
export type SystemEvent =
  | (OfChild & { readonly type: 'started' })
  | (OfChild & { readonly type: 'exited'; readonly reason: ExitReason })
  /**
   * The supervisor has decided to restart the child: the incarnation (run of the child) with the number `incarnation`
   * has ended, and the incarnation with the number `nextIncarnation` starts after `delay` milliseconds.
   */
  | (OfChild & {
      readonly type: 'restarting'
      readonly nextIncarnation: number
      readonly reason: ExitReason
      readonly attempt: number
      readonly delay: number
    })
  | (OfChild & { readonly type: 'start-failed'; readonly error: unknown })
  /**
   * The child was asked to end, but did not end as asked. For example, its `onStop` threw, or the child was killed
   * because it took too long to end.
   */
  | (OfChild & { readonly type: 'shutdown-error'; readonly reason: ExitReason })
  /**
   * A handler threw, but the actor continues: the function `decide` of its spec returned `resume`, or the handler of a
   * tell threw a ReplyError or an AskCycle, which are not crashes.
   */
  | (OfChild & { readonly type: 'resumed'; readonly error: unknown; readonly message: string })
  /** The child was killed, but its code still runs, because that code awaits a promise that cannot be cancelled. */
  | (OfChild & { readonly type: 'zombie'; readonly message: string; readonly sinceMs: number })
  /** After an event `zombie`: the code of the killed child has ended now. `error` is present if that code failed. */
  | (OfChild & {
      readonly type: 'zombie-settled'
      readonly message: string
      readonly error?: unknown
    })
  /**
   * The handler of one message kept the thread busy for longer than the property `slowCallbackDuration` of the event
   * loop allows.
   */
  | (OfChild & { readonly type: 'slow'; readonly message: string; readonly ms: number })
  /**
   * A promise of the actor's code has rejected, and no code handled the rejection. This event exists only with
   * the option `attributeRejections`.
   */
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

/**
 * A message that no handler has got: a tell that was dropped, or the news that a watched actor has ended when the
 * receiving actor has no method `onDown`.
 */
export interface DeadLetter {
  readonly path: string
  readonly message: Message
  readonly reason: DeadLetterReason
}

export const actorStart: Channel = channel('tasktree:actor:start')
export const actorStop: Channel = channel('tasktree:actor:stop')
export const actorRestart: Channel = channel('tasktree:actor:restart')

/**
 * The tracing channel on which each restart of a child is published, when the supervisor decides to restart the child.
 */
export const restartTracing: Tracing<SystemEvent> = new Tracing('tasktree:actor.restart')
