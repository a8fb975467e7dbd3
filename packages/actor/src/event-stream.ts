import { Future } from '@tasktree/core'

/** A subscription: iterate it; leaving the loop, or disposing, ends it. */
export interface Subscription<T> extends AsyncIterable<T>, Disposable {}

const defaultHistory = 1000

/** Each subscriber sees everything published after it subscribed; one that lags loses the oldest. */
export class EventStream<T> {
  readonly #subscribers = new Set<Subscriber<T>>()

  /** Whether anybody listens. */
  get active(): boolean {
    return this.#subscribers.size > 0
  }

  publish(event: T): void {
    for (const subscriber of this.#subscribers) subscriber.add(event)
  }

  /** `buffer`: how many events may wait to be taken. @defaultValue 1000 */
  subscribe(options: { buffer?: number } = {}): Subscription<T> {
    const subscriber: Subscriber<T> = new Subscriber(options.buffer ?? defaultHistory, () =>
      this.#subscribers.delete(subscriber),
    )
    this.#subscribers.add(subscriber)
    return subscriber
  }
}

class Subscriber<T> implements Subscription<T>, AsyncIterator<T, undefined> {
  readonly #limit: number
  readonly #leave: () => void
  #events: T[] = []
  #arrival: Future<void> | null = null
  #ended = false

  constructor(limit: number, leave: () => void) {
    this.#limit = limit
    this.#leave = leave
  }

  add(event: T): void {
    this.#events.push(event)
    if (this.#events.length > this.#limit) this.#events.shift()
    this.#wake()
  }

  #wake(): void {
    const arrival = this.#arrival
    this.#arrival = null
    if (arrival !== null && !arrival.done()) arrival.setResult()
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#events.length === 0 && !this.#ended) {
      this.#arrival ??= new Future<void>()
      await this.#arrival
    }
    if (this.#events.length === 0) return { done: true, value: undefined }
    return { done: false, value: this.#events.shift() as T }
  }

  // oxlint-disable-next-line typescript/require-await -- the protocol wants a promise
  async return(): Promise<IteratorResult<T, undefined>> {
    this[Symbol.dispose]()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return this
  }

  [Symbol.dispose](): void {
    this.#ended = true
    this.#events = []
    this.#leave()
    this.#wake()
  }
}
