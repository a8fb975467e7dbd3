import type { Future } from '@tasktree/core'
import type { Actor } from './actor.ts'
import type { ActorChild } from './actor-child.ts'
import type { ActorRef } from './actor-ref.ts'
import type { Ask, Tell } from './message-types.ts'
import { ChildRef } from '../children/child-ref.ts'
import { askProxy, tellProxy } from '../messages/send-proxies.ts'
import type { ExitReason } from '../exit-reason.ts'

/** The address of an actor of this process. It stays valid across restarts; messages that are sent meanwhile wait in the mailbox. */
export class LocalActorRef<A extends Actor = Actor> extends ChildRef implements ActorRef<A> {
  /** @internal the bundler calls a class that names itself `_LocalActorRef` */
  static override readonly name: string = 'LocalActorRef'

  /** @internal */
  declare readonly target: ActorChild
  readonly #pinned: number
  // Not typed by the class: TypeScript compares the types of private fields too.
  #ask: object | null = null
  #tell: object | null = null

  /** @internal refs come from spawn, startChild and lookup */
  constructor(target: ActorChild, pinned = 0) {
    super(target)
    this.#pinned = pinned
  }

  /**
   * Sends a message and waits for what its handler returns, for 5000 ms unless told otherwise:
   * `ref.ask.method(...)`, `ref.ask({ timeout, signal }).method(...)`.
   *
   * Rejects with NoProc when the actor has stopped, ActorCrashed when its handler threw, ActorStopped when
   * it ended before it answered, ActorRestarting when the mailbox was dropped, MailboxFull, AskTimeout, and
   * AskCycle when it could never be answered.
   */
  get ask(): Ask<A> {
    this.#ask ??= askProxy(this.target, this.#pinned)
    return this.#ask as Ask<A>
  }

  /**
   * Sends a message and waits only for its place in the mailbox: true when it has one, false when it became
   * a dead letter. With room in the mailbox there is nothing to wait for. The option `confirm` changes nothing, because
   * the place in the mailbox is certain here.
   */
  get tell(): Tell<A> {
    this.#tell ??= tellProxy(this.target, this.#pinned)
    return this.#tell as Tell<A>
  }

  override get incarnation(): number {
    return this.#pinned === 0 ? this.target.number : this.#pinned
  }

  /** Makes the actor handle the messages in its mailbox, refuse later ones, wait for its deferred answers, and end. */
  drain(): Future<ExitReason> {
    return this.target.drain()
  }

  /** A ref to the running incarnation only. After a restart its asks fail with NoProc. */
  pinned(): LocalActorRef<A> {
    return new LocalActorRef<A>(this.target, this.#pinned === 0 ? this.target.number : this.#pinned)
  }

  /** @internal the number of the incarnation; 0 for any */
  get pinnedTo(): number {
    return this.#pinned
  }
}
