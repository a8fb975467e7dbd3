import type { Future } from '@tasktree/core'
import type { ExitReason } from '../exit-reason.ts'
import type { Ask, Tell } from './message-types.ts'

/**
 * The address of an actor, wherever it is: in this process (a LocalActorRef, which spawn, startChild and lookup give) or on
 * another machine (a RemoteRef of `@tasktree/nats`). Code that takes an ActorRef works with both.
 */
export interface ActorRef<A> {
  /** Sends a message and waits for what its handler returns: `ref.ask.method(...)`, `ref.ask({ timeout, signal }).method(...)`. */
  readonly ask: Ask<A>
  /** Sends a message without waiting for its handler: `ref.tell.method(...)`, `ref.tell({ confirm: true }).method(...)`. */
  readonly tell: Tell<A>
  /** The place of the actor in the tree. Error messages and logs name the actor by this path. */
  readonly path: string
  /** Settles when the actor has ended and will not be restarted. Messages that are sent later are not handled. */
  readonly whenStopped: Future<ExitReason>
}
