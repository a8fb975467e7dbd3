import type { Future } from '@tasktree/core'
import type { ExitReason } from '../exit-reason.ts'
import type { Ask, Tell } from './message-types.ts'

/**
 * The address of an actor. If the actor runs in this process, the address is a LocalActorRef, which `spawn`,
 * `startChild` and `lookup` return. If the actor runs on another machine, the address is a RemoteRef of
 * `@tasktree/nats`. Code that takes an ActorRef works with both.
 */
export interface ActorRef<A> {
  /**
   * Sends a message and waits for the result of its handler: `ref.ask.method(...)`, or with options
   * `ref.ask({ timeout, signal }).method(...)`.
   */
  readonly ask: Ask<A>
  /**
   * Sends a message without waiting for its handler: `ref.tell.method(...)`, or with options
   * `ref.tell({ confirm: true }).method(...)`.
   */
  readonly tell: Tell<A>
  /**
   * The path of the actor in its tree, such as `/system/actor`. Error messages and logs name the actor by this path.
   */
  readonly path: string
  /** Settles when the actor has ended and will not be restarted. Messages that are sent after that are not handled. */
  readonly whenStopped: Future<ExitReason>
}
