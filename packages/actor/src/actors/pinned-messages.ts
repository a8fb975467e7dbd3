import { ActorStopped } from '../errors.ts'
import type { ExitReason } from '../exit-reason.ts'
import type { Envelope } from '../messages/envelope.ts'
import type { ActorChild } from './actor-child.ts'

/**
 * The messages that were sent to one actor through pinned refs (`ref.pinned()`). Such a message is for one incarnation
 * (run of the actor) only. But the mailbox survives a restart, so the messages for the ended incarnation must be
 * removed from the mailbox.
 */
export class PinnedMessages {
  readonly #child: ActorChild
  /** Maps each message to the number of the incarnation that the message was sent to. */
  readonly #numbers = new WeakMap<Envelope, number>()

  constructor(child: ActorChild) {
    this.#child = child
  }

  add(envelope: Envelope, incarnation: number): void {
    this.#numbers.set(envelope, incarnation)
  }

  /**
   * Returns whether the message `envelope` was sent to one particular incarnation (run of the actor), and that
   * incarnation has ended.
   */
  isLate(envelope: Envelope): boolean {
    const number = this.#numbers.get(envelope)
    const { incarnation } = this.#child
    return number !== undefined && number !== incarnation?.number
  }

  /**
   * Called when an incarnation has ended with `reason`. Removes messages that were sent to that incarnation alone. Asks
   * fail. Tells that wait for room in the mailbox become dead letters. Tells in the mailbox stay there for now, because
   * `onUndelivered` gets them if the actor is not restarted.
   */
  incarnationEnded(reason: ExitReason): void {
    const { mailbox, path } = this.#child
    for (const envelope of mailbox.contents()) {
      if (!this.isLate(envelope)) continue
      const { ask, admission } = envelope
      ask?.refuse(new ActorStopped(path, reason, false))
      if (admission === null || admission.done()) continue
      this.#drop(envelope)
      admission.setResult(false)
    }
  }

  /**
   * Called when the next incarnation begins. Tells that were sent to an earlier incarnation alone become dead letters.
   */
  incarnationBegins(): void {
    for (const envelope of this.#child.mailbox.contents()) {
      if (this.isLate(envelope)) this.#drop(envelope)
    }
    this.#child.admitSenders()
  }

  #drop(envelope: Envelope): void {
    const { mailbox, path, runtime } = this.#child
    mailbox.remove(envelope)
    runtime.deadLetter(path, envelope, 'stopped')
  }
}
