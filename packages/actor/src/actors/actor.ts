import type { ActorContext } from './actor-context.ts'
import type { ExitReason } from '../exit-reason.ts'
import type { Message } from '../messages/envelope.ts'
import type { Down } from './monitor.ts'

let constructing: ActorContext | null = null

/** Calls `make`, which constructs an Actor. The constructor of Actor stores `context` as `this.ctx`. */
export function constructWith<A>(context: ActorContext, make: () => A): A {
  const outer = constructing
  constructing = context
  try {
    return make()
  } finally {
    constructing = outer
  }
}

/**
 * An actor has its own state and a mailbox. Every public method is a message handler, and handlers run one at a time.
 * `ref.ask.method(...)` waits for the result of the method. `ref.tell.method(...)` waits only until the message is in
 * the mailbox. Hooks, getters, and protected or `#private` members are not messages.
 *
 * When a handler returns a promise, the next message waits until that promise settles. A handler that throws usually
 * crashes its actor: this incarnation ends, and the supervisor decides whether a new incarnation starts. A thrown
 * ReplyError is only an answer to the caller, not a crash.
 *
 * Modelled on gen_server of Erlang/OTP.
 *
 * @example
 *     class Counter extends Actor {
 *       #count = 0
 *       add(n: number): number {
 *         return (this.#count += n)
 *       }
 *     }
 *     const counter = await spawn(Counter)
 *     console.log(await counter.ask.add(2)) // 2
 *     await counter.stop()
 */
export abstract class Actor {
  /**
   * Names of methods of the actor that may run while another handler waits for a promise. Name only methods that do not
   * change the state of the actor.
   */
  static readonly interleave: readonly string[] = []

  /**
   * Names of methods that are not messages. TypeScript does not let a caller send a `protected` method, but a plain
   * JavaScript caller can. Name the method here to refuse such a message, or make the method `#private`.
   */
  static readonly hidden: readonly string[] = []

  protected readonly ctx: ActorContext<this>

  /** @throws {TypeError} when a program calls `new` itself: only `spawn` and supervisors construct actors */
  constructor() {
    if (constructing === null) {
      throw new TypeError(
        `${new.target.name} was made with new: use spawn(${new.target.name}) or child.actor(id, ${new.target.name})`,
      )
    }
    this.ctx = constructing as ActorContext<this>
    constructing = null
  }

  /** Called before the first message. If this hook throws, the start of the actor has failed. */
  protected onStart?(): PromiseLike<void> | void

  /** Called after the last message, unless the actor was killed or its `onStart` has failed. */
  protected onStop?(reason: ExitReason): PromiseLike<void> | void

  /**
   * Called when a child that this actor monitors has ended or was restarted. If `ctx.trapExit` is true, also called
   * when an actor that is linked to this actor has ended. Without this hook, the message about such an event becomes a
   * dead letter.
   */
  protected onDown?(down: Down): PromiseLike<void> | void

  /**
   * Called after the actor has ended and will not be restarted, with the tells that were still in the mailbox. Not
   * called if there were none.
   */
  protected onUndelivered?(messages: readonly Message[]): PromiseLike<void> | void
}

/**
 * The hooks of an Actor as public methods, so that this package can call them. In the class Actor they are `protected`.
 */
export interface Hooks {
  onStart?(): unknown
  onStop?(reason: ExitReason): unknown
  onDown?(down: Down): unknown
  onUndelivered?(messages: readonly Message[]): unknown
}

/** The type of an actor class. It is, for example, the type of the first parameter of `spawn`. */
export type ActorClass<A extends Actor, P extends unknown[]> = new (...args: P) => A
