import { Broadcast, type Subscription } from '@tasktree/sync'
import type { DeadLetter, DeadLetterReason } from '../runtime/events.ts'
import { asMessage, type Envelope } from './envelope.ts'

const kept = 100

/**
 * Collects the tells that were dropped before a handler got them, and the calls of `onDown` for which the actor has no
 * method `onDown`. An ask that is dropped is not collected, because it fails for its sender.
 *
 * @example
 *     class Clerk extends Actor {
 *       serve(_customer: string): Future<void> {
 *         return sleep(60_000)
 *       }
 *     }
 *     await using system = await ActorSystem.start({ name: 'office', logger: silentLogger })
 *     const clerk = await system.root.startChild(child.actor('clerk', Clerk))
 *     await clerk.tell.serve('Ada')
 *     await clerk.tell.serve('Bob') // waits in the mailbox
 *     await system.root.stopChild('clerk')
 *     console.log(system.deadLetters.recent.map(({ message }) => message.args)) // [ [ 'Bob' ] ]
 */
export class DeadLetters {
  readonly #stream = new Broadcast<DeadLetter>({ lag: 'drop-oldest', capacity: 1000 })
  #recent: DeadLetter[] = []
  #count = 0

  /** How many messages have been collected so far. */
  get count(): number {
    return this.#count
  }

  /** The messages that were collected last, with the newest at the end. At least the last 100 are kept. */
  get recent(): readonly DeadLetter[] {
    return this.#recent
  }

  /**
   * Returns a subscription to all messages that are collected from now on. A subscriber that is more than 1000 messages
   * behind loses the oldest messages.
   */
  subscribe(): Subscription<DeadLetter> {
    return this.#stream.subscribe()
  }

  /** @internal adds a message that was sent to the actor at `path` and was dropped; `reason` says why */
  add(path: string, envelope: Envelope, reason: DeadLetterReason): DeadLetter {
    const letter: DeadLetter = { path, message: asMessage(envelope), reason }
    this.#count++
    this.#recent.push(letter)
    if (this.#recent.length > kept * 2) this.#recent = this.#recent.slice(-kept)
    void this.#stream.publish(letter)
    return letter
  }
}
