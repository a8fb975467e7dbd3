import { InvalidStateError } from '@tasktree/core'
import type { Envelope } from '../messages/envelope.ts'
import { currentFlow, type HandlerFlow } from '../messages/handler-flow.ts'
import { endedWhileHandling, OpenPorts, ReplyPort } from '../messages/deferred-replies.ts'
import { Stash } from '../messages/stash.ts'
import type { ExitReason } from '../exit-reason.ts'
import type { ActorIncarnation } from './actor-incarnation.ts'

/**
 * The messages whose handlers have run in one incarnation (run of an actor), but that are not finished: the stashed
 * messages, and the messages that still need an answer through a ReplyPort, the object that `ctx.reply()` returns.
 */
export class StashAndReplies {
  readonly #incarnation: ActorIncarnation
  readonly #stash: Stash
  readonly ports: OpenPorts

  constructor(incarnation: ActorIncarnation) {
    this.#incarnation = incarnation
    const { child } = incarnation
    this.#stash = new Stash(child.path, child.mailbox.capacity)
    this.ports = new OpenPorts(() => {
      if (child.draining) incarnation.wake()
    })
  }

  get stashed(): number {
    return this.#stash.size
  }

  /**
   * Sets aside the message of the calling handler, until `unstashAll()` is called.
   *
   * @throws {InvalidStateError} when the calling code does not belong to a handler of this actor, or when the handler
   * has called `ctx.reply()`
   */
  stash(): void {
    const flow = this.#flowOf('ctx.stash()')
    if (flow.stashed) return
    if (flow.port !== null) {
      throw new InvalidStateError(
        'ctx.stash(): ctx.reply() was called before, which answers this message',
      )
    }
    this.#stash.add(flow.envelope)
    flow.stashed = true
  }

  unstashAll(): void {
    this.#incarnation.child.mailbox.unshift(this.#stash.takeAll())
  }

  forgetStashed(envelope: Envelope): void {
    this.#stash.forget(envelope)
  }

  /**
   * Returns the ReplyPort of the current message, with which the message is answered later. A handler that calls this
   * method twice for one message gets the same port twice.
   *
   * @throws {InvalidStateError} when the calling code does not belong to a handler of this actor, or when the handler
   * has stashed the message
   */
  takeReply(): ReplyPort {
    const flow = this.#flowOf('ctx.reply()')
    if (flow.stashed) {
      throw new InvalidStateError('ctx.reply(): the message is stashed, and will be handled again')
    }
    flow.port ??= new ReplyPort(flow.envelope.ask, this.#incarnation)
    return flow.port
  }

  #flowOf(call: string): HandlerFlow {
    const flow = currentFlow()
    const { path } = this.#incarnation.child
    if (flow === null || flow.incarnation !== this.#incarnation) {
      throw new InvalidStateError(
        `${call} belongs in a handler of ${path}: this code handles no message of it`,
      )
    }
    const { envelope, ended } = flow
    if (ended) {
      throw new InvalidStateError(
        `${call}: the handler of ${envelope.type} has ended; call it before that`,
      )
    }
    if (envelope.action !== null) {
      throw new InvalidStateError(
        `${call}: ${envelope.type} is not the message of an ask or a tell`,
      )
    }
    return flow
  }

  /**
   * Called at the end of the incarnation. The asks that were not answered through their ReplyPorts (from `ctx.reply()`)
   * fail.
   */
  failPorts(reason: ExitReason): void {
    this.ports.failAll(endedWhileHandling(this.#incarnation.child.path, reason))
  }
}
