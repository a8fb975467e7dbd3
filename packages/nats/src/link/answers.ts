import { randomBytes } from 'node:crypto'
import type { BusMessage } from '../bus/bus.ts'

/** The inbox of one cluster handle: one subscription for the answers to everything that the handle has sent. */
export class Answers {
  readonly #inbox: string
  /** Names the handle, for the ids that it makes. */
  readonly token: string = randomBytes(12).toString('hex')
  #made = 0
  readonly #listeners = new Map<string, (message: BusMessage) => void>()

  constructor(prefix: string) {
    this.#inbox = `${prefix}.${this.token}`
  }

  /** What the handle subscribes to. */
  get subject(): string {
    return `${this.#inbox}.*`
  }

  /** A subject that nobody else uses. */
  newSubject(): string {
    return `${this.#inbox}.${(++this.#made).toString(36)}`
  }

  /** Calls `listener` with every message to `subject`, until it is forgotten. */
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
