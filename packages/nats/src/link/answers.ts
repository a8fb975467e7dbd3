import { randomBytes } from 'node:crypto'
import type { BusMessage } from '../bus/bus.ts'

/** The inbox of one cluster handle. One subscription receives the answers to all asks and jobs of the handle. */
export class Answers {
  readonly #inbox: string
  /** A random text that makes the ids of this handle unique in the cluster. */
  readonly token: string = randomBytes(12).toString('hex')
  #made = 0
  readonly #listeners = new Map<string, (message: BusMessage) => void>()

  constructor(prefix: string) {
    this.#inbox = `${prefix}.${this.token}`
  }

  /** The subject to which the handle subscribes. */
  get subject(): string {
    return `${this.#inbox}.*`
  }

  /** Returns a subject of the inbox that was not used before. */
  newSubject(): string {
    return `${this.#inbox}.${(++this.#made).toString(36)}`
  }

  /** Calls `listener` for each message to `subject`, until `forget(subject)`. */
  expect(subject: string, listener: (message: BusMessage) => void): void {
    this.#listeners.set(subject, listener)
  }

  forget(subject: string): void {
    this.#listeners.delete(subject)
  }

  receive(message: BusMessage): void {
    this.#listeners.get(message.subject)?.(message)
  }
}
