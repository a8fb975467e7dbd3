import type { Future } from '@tasktree/core'
import { cancelOnAbort, completed, describe } from '@tasktree/core/lowlevel'
import { checkCount } from './check-count.ts'
import { ChannelClosed } from './errors.ts'
import { Fifo } from './items.ts'
import { Queue } from './queue.ts'
import { failed } from './failed.ts'
import { refused } from './refused.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/** Says when an item is gone: then a publisher may have room. */
class Unread<T> extends Fifo<T> {
  readonly #taken: () => void

  constructor(taken: () => void) {
    super()
    this.#taken = taken
  }

  override pop(): T {
    const item = super.pop()
    this.#taken()
    return item
  }
}

/**
 * One subscriber's own line of messages. Iterating it gives them in order, until the broadcast is closed
 * or the subscription disposed of; leaving the loop disposes of it.
 */
export class Subscription<T> implements AsyncIterable<T>, Disposable {
  readonly #unread: Queue<T>
  readonly #leave: (self: Subscription<T>) => void
  #dropped = 0

  /** @internal use Broadcast.subscribe */
  constructor(capacity: number, taken: () => void, leave: (self: Subscription<T>) => void) {
    this.#unread = new Queue<T>({ maxsize: capacity }, new Unread<T>(taken))
    this.#leave = leave
  }

  /** How many messages it lost because it lagged. */
  get dropped(): number {
    return this.#dropped
  }

  /**
   * The next message; a cancelled wait leaves it there.
   *
   * @throws {QueueShutDown} (the future fails) when there will be none
   */
  get(options?: { signal?: AbortSignal }): Future<T> {
    return this.#unread.get(options)
  }

  /** How many messages it has not taken yet. */
  qsize(): number {
    return this.#unread.qsize()
  }

  /** Messages it has not taken yet, how many it may lag behind, how many it lost, and how many wait in `get`. */
  statistics(): {
    readonly size: number
    readonly capacity: number
    readonly dropped: number
    readonly getters: number
  } {
    const { size, maxsize, getters } = this.#unread.statistics()
    return Object.freeze({ size, capacity: maxsize, dropped: this.#dropped, getters })
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for await (const message of this.#unread) yield message
    } finally {
      this[Symbol.dispose]()
    }
  }

  /** Leaves the broadcast and drops what was not taken; a waiting `get` fails. Twice does nothing. */
  [Symbol.dispose](): void {
    this.#unread.shutdown(true)
    this.#leave(this)
  }

  /** @internal */
  hasRoom(): boolean {
    return !this.#unread.full()
  }

  /** @internal the oldest makes room when there is none */
  deliver(message: T): void {
    if (this.#unread.full()) {
      this.#unread.getNowait()
      this.#dropped++
    }
    this.#unread.putNowait(message)
  }

  /** @internal what is there can still be taken */
  end(): void {
    this.#unread.shutdown()
  }
}

/**
 * Every subscriber gets every message that is published after it subscribed, in order.
 *
 * A subscriber that lags behind by `capacity` messages either makes publishers wait (`lag: 'block'`) or
 * loses its oldest message (`lag: 'drop-oldest'`, counted in `dropped`). A message is delivered to all
 * subscribers at once or, when its `publish` is cancelled, to none.
 *
 * @example
 * const news = new Broadcast<string>({ lag: 'drop-oldest', history: 10 })
 * using subscription = news.subscribe()
 * await news.publish('hello')
 * for await (const item of subscription) console.log(item)
 */
export class Broadcast<T> {
  readonly #history = new Fifo<T>()
  readonly #keep: number
  readonly #capacity: number
  readonly #blocks: boolean
  readonly #subscriptions = new Set<Subscription<T>>()
  readonly #publishers = new WaiterQueue<void, T>()
  #closed = false

  /**
   * @param options.history how many of the last messages a new subscriber gets first; 0 by default
   * @param options.lag what happens when a subscriber lags
   * @param options.capacity how many messages a subscriber may lag behind; 64 by default, and never less than `history`
   */
  constructor(options: { history?: number; lag: 'block' | 'drop-oldest'; capacity?: number }) {
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`a Broadcast takes { lag }, got ${describe(options)}`)
    }
    const { lag, history = 0, capacity = 64 } = options
    if (lag !== 'block' && lag !== 'drop-oldest') {
      throw new TypeError(`the option lag must be 'block' or 'drop-oldest', got ${describe(lag)}`)
    }
    this.#keep = checkCount('the option history', history, 0)
    this.#capacity = Math.max(checkCount('the option capacity', capacity, 1), history)
    this.#blocks = lag === 'block'
  }

  /**
   * Gives `message` to every subscriber. With `lag: 'block'` it waits until all have room, behind those
   * who published before; otherwise it never waits.
   *
   * @throws {ChannelClosed} (the future fails) when the broadcast is closed, also while it waits
   */
  publish(message: T, options?: { signal?: AbortSignal }): Future<void> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    if (!this.#closed && (this.#publishers.size > 0 || !this.#hasRoom())) {
      const publishing = new Waiter(this.#publishing, message)
      this.#publishers.push(publishing)
      return cancelOnAbort(publishing, options?.signal)
    }
    if (this.#closed) return failed(closedError())
    this.#deliver(message)
    return completed()
  }

  /** From here on, after what `history` keeps. Dispose of it, or leave its loop, to unsubscribe. */
  subscribe(): Subscription<T> {
    const subscription = new Subscription<T>(this.#capacity, this.#wakeFirst, (self) => {
      this.#subscriptions.delete(self)
      this.#wakeFirst()
    })
    for (const message of this.#history) subscription.deliver(message)
    if (this.#closed) subscription.end()
    else this.#subscriptions.add(subscription)
    return subscription
  }

  /** Nothing more is published; subscribers get what they have not taken yet, then their loops end. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const subscription of this.#subscriptions) subscription.end()
    this.#subscriptions.clear()
    this.#publishers.first()?.wake()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Who listens, who waits to publish, what is kept for new subscribers, and whether it is closed. */
  statistics(): {
    readonly subscribers: number
    readonly publishers: number
    readonly history: number
    readonly closed: boolean
  } {
    return Object.freeze({
      subscribers: this.#subscriptions.size,
      publishers: this.#publishers.size,
      history: this.#history.size,
      closed: this.#closed,
    })
  }

  #hasRoom(): boolean {
    if (!this.#blocks) return true
    for (const subscription of this.#subscriptions) if (!subscription.hasRoom()) return false
    return true
  }

  #deliver(message: T): void {
    if (this.#keep > 0) {
      this.#history.push(message)
      if (this.#history.size > this.#keep) this.#history.pop()
    }
    for (const subscription of this.#subscriptions) subscription.deliver(message)
  }

  /** The first publisher keeps its place until its message is out, so that the messages keep their order. */
  readonly #wakeFirst = (): void => {
    if (this.#publishers.size > 0 && this.#hasRoom()) this.#publishers.first()?.wake()
  }

  readonly #publishing: Host<void, T> = {
    serve: (publisher) => {
      if (this.#closed) publisher.setException(closedError())
      else if (this.#hasRoom()) {
        this.#deliver(publisher.ask)
        publisher.setResult()
      } else return
      this.#passOn(publisher)
    },
    pass: (publisher) => this.#passOn(publisher),
  }

  #passOn(publisher: Waiter<void, T>): void {
    this.#publishers.remove(publisher)
    if (this.#closed) this.#publishers.first()?.wake()
    else this.#wakeFirst()
  }
}

function closedError(): ChannelClosed {
  return new ChannelClosed('the broadcast is closed')
}
