import { Broadcast, type Subscription } from '@tasktree/sync'
import type { DeadLetter, DeadLetterReason } from '../runtime/events.ts'
import { asMessage, type Envelope } from './envelope.ts'

const kept = 100

/** The messages that no handler will see. */
export class DeadLetters {
  readonly #stream = new Broadcast<DeadLetter>({ lag: 'drop-oldest', capacity: 1000 })
  #recent: DeadLetter[] = []
  #count = 0

  /** How many there have been. */
  get count(): number {
    return this.#count
  }

  /** At least the last hundred, the latest last. */
  get recent(): readonly DeadLetter[] {
    return this.#recent
  }

  /** Follows them from now on. A subscriber that lags by more than 1000 loses the oldest. */
  subscribe(): Subscription<DeadLetter> {
    return this.#stream.subscribe()
  }

  /** @internal */
  add(path: string, envelope: Envelope, reason: DeadLetterReason): DeadLetter {
    const letter: DeadLetter = { path, message: asMessage(envelope), reason }
    this.#count++
    this.#recent.push(letter)
    if (this.#recent.length > kept * 2) this.#recent = this.#recent.slice(-kept)
    void this.#stream.publish(letter)
    return letter
  }
}
