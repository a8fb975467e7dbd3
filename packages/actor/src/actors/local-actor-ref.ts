import type { Future } from '@tasktree/core'
import type { Actor } from './actor.ts'
import type { ActorChild } from './actor-child.ts'
import type { ActorRef } from './actor-ref.ts'
import type { Ask, Tell } from './message-types.ts'
import { ChildRef } from '../children/child-ref.ts'
import { askProxy, tellProxy } from '../messages/send-proxies.ts'
import type { ExitReason } from '../exit-reason.ts'

/**
 * The address of an actor of this process. The address stays valid when the actor is restarted. Messages that are sent
 * during a restart wait in the mailbox.
 *
 * @example
 *     class Greeter extends Actor {
 *       greet(name: string): string {
 *         return `hello ${name}`
 *       }
 *     }
 *     const greeter: LocalActorRef<Greeter> = await spawn(Greeter, [], { name: 'greeter' })
 *     console.log(await greeter.ask({ timeout: 1_000 }).greet('Ada'), greeter.status) // hello Ada running
 *     await greeter.stop()
 */
export class LocalActorRef<A extends Actor = Actor> extends ChildRef implements ActorRef<A> {
  /** @internal the name that users see; without this field, a bundler may rename the class to `_LocalActorRef` */
  static override readonly name: string = 'LocalActorRef'

  /** @internal */
  declare readonly target: ActorChild
  readonly #pinned: number
  // The type of these fields is `object` and not `Ask<A>`, because TypeScript compares the types of private fields too.
  // With `Ask<A>`, a ref would not be assignable to a ref of a related actor class.
  #ask: object | null = null
  #tell: object | null = null

  /** @internal refs come from spawn, startChild and lookup */
  constructor(target: ActorChild, pinned = 0) {
    super(target)
    this.#pinned = pinned
  }

  /**
   * Sends a message and waits for the result of its handler, for at most 5000 ms by default: `ref.ask.method(...)`,
   * `ref.ask({ timeout, signal }).method(...)`.
   *
   * Rejects with NoProc when the actor has stopped, the ReplyError that its handler threw, ActorCrashed when its
   * handler threw another error, ActorStopped when the actor ended before it answered, ActorRestarting when a restart
   * dropped the mailbox, MailboxFull when the mailbox has no room and lets no sender wait, AskTimeout when no answer
   * came in time, and AskCycle when the actor itself waits for the caller, so that no answer could ever come.
   */
  get ask(): Ask<A> {
    this.#ask ??= askProxy(this.target, this.#pinned)
    return this.#ask as Ask<A>
  }

  /**
   * Sends a message and waits only until the message is in the mailbox. The returned future resolves with true when the
   * message is in the mailbox, and with false when the message became a dead letter. If the mailbox has room, the
   * returned future is already done. The option `confirm` changes nothing, because within one process no message is
   * lost on the way.
   */
  get tell(): Tell<A> {
    this.#tell ??= tellProxy(this.target, this.#pinned)
    return this.#tell as Tell<A>
  }

  override get incarnation(): number {
    return this.#pinned === 0 ? this.target.number : this.#pinned
  }

  /**
   * Lets the actor handle the messages that are in its mailbox now, and then ends it. Later messages are refused. If an
   * ask still needs an answer through a ReplyPort, the object that `ctx.reply()` returns, the actor ends only after
   * that answer. The returned future settles when the actor has ended.
   */
  drain(): Future<ExitReason> {
    return this.isStale ? this.whenStopped : this.target.drain()
  }

  /**
   * Returns a ref that reaches only the incarnation (run of the actor) that runs now or has ended last, and no later
   * incarnation. After the end of that incarnation, an ask through this ref fails with NoProc, a tell becomes a dead
   * letter, and `stop` and `kill` do nothing. If this ref is pinned already, the returned ref reaches the same
   * incarnation as this ref.
   */
  pinned(): LocalActorRef<A> {
    return new LocalActorRef<A>(this.target, this.#pinned === 0 ? this.target.number : this.#pinned)
  }

  /**
   * @internal the number of the only incarnation that this ref may reach; 0 if this ref also reaches later incarnations
   */
  override get pinnedTo(): number {
    return this.#pinned
  }
}
