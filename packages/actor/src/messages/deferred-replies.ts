import { InvalidStateError } from '@tasktree/core'
import type { ActorIncarnation } from '../actors/actor-incarnation.ts'
import type { LocalActorRef } from '../actors/local-actor-ref.ts'
import { ActorCrashed, ActorStopped } from '../errors.ts'
import type { ExitReason } from '../exit-reason.ts'
import type { AskFuture } from './ask.ts'

/**
 * An object with which any code can answer one ask, even after the handler of the ask has ended. A handler gets it from
 * `ctx.reply()`. If the actor ends before the ask is answered or handed over, the ask fails with ActorStopped or
 * ActorCrashed.
 *
 * @example
 *     class Inbox extends Actor {
 *       #waiting: ReplyPort<string> | null = null
 *       next(): ReplyPort<string> {
 *         return (this.#waiting = this.ctx.reply<string>()) // the answer comes later
 *       }
 *       put(letter: string): void {
 *         this.#waiting?.resolve(letter)
 *       }
 *     }
 *     const inbox = await spawn(Inbox)
 *     const letter = inbox.ask.next()
 *     await inbox.tell.put('a letter')
 *     console.log(await letter) // a letter
 *     await inbox.stop()
 */
export class ReplyPort<T = unknown> {
  #ask: AskFuture | null
  #owner: ActorIncarnation | null
  #settled = false
  /**
   * The path of the actor that had to answer the message, and has ended without an answer. Null as long as that has not
   * happened.
   */
  #ended: string | null = null

  /** @internal use ctx.reply() */
  constructor(ask: AskFuture | null, owner: ActorIncarnation) {
    this.#ask = ask
    this.#owner = owner
    owner.parts.stashAndReplies().ports.keep(this)
  }

  /** True if the message has been answered, or can no longer be answered because the actor has ended. */
  get settled(): boolean {
    return this.#settled
  }

  /**
   * Answers the ask with `value`. If the message was a tell, no answer is sent.
   *
   * @throws {InvalidStateError} when the message was answered before, or the actor has ended
   */
  resolve(value: T): void {
    this.#take('resolve')?.reply(value)
  }

  /**
   * Makes the ask fail with `error`. The actor does not crash. If the message was a tell, `error` is ignored.
   *
   * @throws {InvalidStateError} when the message was answered before, or the actor has ended
   */
  reject(error: unknown): void {
    this.#take('reject')?.replyError(error)
  }

  #take(call: string): AskFuture | null {
    if (this.#ended !== null) {
      throw new InvalidStateError(
        `${call}: ${this.#ended} has ended, so this message can no longer be answered`,
      )
    }
    if (this.#settled) throw new InvalidStateError(`${call}: this message was answered before`)
    this.#settled = true
    const ask = this.#ask
    this.#ask = null
    this.#owner?.parts.stashAndReplies().ports.forget(this)
    this.#owner = null
    return ask
  }

  /**
   * Makes the actor at `to` responsible for the answer: an ask that is not answered fails when that actor ends, and no
   * longer when the actor that called `ctx.reply()` ends. Does nothing when the actor at `to` does not run, or when the
   * message was answered before.
   */
  handOver(to: LocalActorRef<never> | LocalActorRef): void {
    const { incarnation } = to.target
    if (this.#settled || incarnation === null || to.isStale) return
    this.#owner?.parts.stashAndReplies().ports.forget(this)
    this.#owner = incarnation
    incarnation.parts.stashAndReplies().ports.keep(this)
  }

  /**
   * @internal called when the actor that is responsible for the answer has ended: if the ask is not answered yet, it
   * fails with `error`
   */
  fail(error: unknown): void {
    if (this.#settled) return
    this.#settled = true
    this.#ended = this.#owner?.child.path ?? null
    this.#ask?.refuse(error)
    this.#ask = null
    this.#owner = null
  }
}

/**
 * The ReplyPorts (objects with which an ask is answered later) that one incarnation (run of an actor) has not answered
 * yet.
 */
export class OpenPorts {
  readonly #ports = new Set<ReplyPort>()
  readonly #onEmpty: () => void

  /**
   * When the last unanswered ReplyPort of the incarnation is answered or handed over to another actor, `onEmpty` is
   * called. It is called again each time this happens.
   */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty
  }

  get size(): number {
    return this.#ports.size
  }

  keep(port: ReplyPort): void {
    this.#ports.add(port)
  }

  forget(port: ReplyPort): void {
    this.#ports.delete(port)
    if (this.#ports.size === 0) this.#onEmpty()
  }

  failAll(error: unknown): void {
    for (const port of this.#ports) port.fail(error)
    this.#ports.clear()
  }
}

/**
 * Returns the error with which an ask fails if its handler has begun, but the actor at `path` ended before the ask was
 * answered.
 */
export function endedWhileHandling(path: string, reason: ExitReason): ActorStopped {
  return reason.kind === 'error'
    ? new ActorCrashed(path, reason.error)
    : new ActorStopped(path, reason, true)
}
