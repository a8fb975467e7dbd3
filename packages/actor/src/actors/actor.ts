import type { ActorContext } from './context.ts'
import type { ExitReason } from '../exit-reason.ts'
import type { Message } from '../messages/envelope.ts'
import type { Down } from './monitor.ts'

let constructing: ActorContext | null = null

/** Calls `make` so that the Actor it constructs finds its context. */
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
 * `ref.ask.method(...)` waits for what the method returns, `ref.tell.method(...)` only for a place in the mailbox. Hooks,
 * getters, and protected or `#private` members are not messages.
 *
 * When a handler returns a promise, the next message waits until it settles. What a handler throws is a crash: this
 * incarnation ends, and its supervisor decides what follows. A ReplyError is an answer, not a crash.
 *
 * Source: gen_server of OTP, with methods for messages.
 */
export abstract class Actor {
  /** Methods that may run while another handler waits: for queries that only read. */
  static readonly interleave: readonly string[] = []

  /**
   * Methods that are not messages at run time. TypeScript forbids to send a `protected` method as a message, but its
   * `protected` is gone at run time: name it here where that matters, or make it `#private`.
   */
  static readonly hidden: readonly string[] = []

  protected readonly ctx: ActorContext<this>

  /** @throws {TypeError} when it is made with `new`: actors are made by spawn and by supervisors */
  constructor() {
    if (constructing === null) {
      throw new TypeError(
        `${new.target.name} was made with new: use spawn(${new.target.name}) or child.actor(id, ${new.target.name})`,
      )
    }
    this.ctx = constructing as ActorContext<this>
    constructing = null
  }

  /** Called before the first message. If it throws, the actor has failed to start. */
  protected onStart?(): PromiseLike<void> | void

  /** Called after the last message, except when the actor was killed. */
  protected onStop?(reason: ExitReason): PromiseLike<void> | void

  /** Called when something that this actor monitors or is linked to has ended. Without this hook the DOWN is a dead letter. */
  protected onDown?(down: Down): PromiseLike<void> | void

  /** Called after the actor has ended for good, with the tells that were still waiting. */
  protected onUndelivered?(messages: readonly Message[]): PromiseLike<void> | void
}

/** The hooks, as the library calls them. */
export interface Hooks {
  onStart?(): unknown
  onStop?(reason: ExitReason): unknown
  onDown?(down: Down): unknown
  onUndelivered?(messages: readonly Message[]): unknown
}

/** The type of a parameter that takes an actor class. */
export type ActorClass<A extends Actor, P extends unknown[]> = new (...args: P) => A
