import type { Future } from '@tasktree/core'
import {
  cancelIsDue,
  cancelOnAbort,
  checkCount,
  completed,
  deferred,
  describe,
} from '@tasktree/core/lowlevel'
import { ChannelClosed } from './errors.ts'
import { Fifo } from './items.ts'
import { Queue } from './queue.ts'
import { failedFuture } from './failed-future.ts'
import { checkNamed, Primitive } from './primitive.ts'
import { cancelledIfAborted } from './cancelled-if-aborted.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/**
 * The queue of one subscriber. It calls `changed` when it becomes full and when it has room again, because a publisher
 * waits until all queues have room.
 */
class Unread<T> extends Fifo<T> {
  readonly #capacity: number
  readonly #changed: (isFull: boolean) => void

  constructor(capacity: number, changed: (isFull: boolean) => void) {
    super()
    this.#capacity = capacity
    this.#changed = changed
  }

  override push(item: T): void {
    super.push(item)
    if (this.size === this.#capacity) this.#changed(true)
  }

  override pop(): T {
    const item = super.pop()
    if (this.size === this.#capacity - 1) this.#changed(false)
    return item
  }

  override clear(): void {
    const wasFull = this.size === this.#capacity
    super.clear()
    if (wasFull) this.#changed(false)
  }
}

/**
 * The messages for one subscriber, in a separate queue. Iterating the subscription yields the messages in order, until
 * the subscription is disposed of, or the broadcast is closed and the queue is empty. Leaving the loop disposes of the
 * subscription.
 *
 * @example
 *     const prices = new Broadcast<number>({ lag: 'drop-oldest', capacity: 2 })
 *     const subscription = prices.subscribe()
 *     for (const price of [1, 2, 3]) await prices.publish(price)
 *     console.log(subscription.dropped, await subscription.get()) // 1 2
 */
export class Subscription<T> extends Primitive implements AsyncIterable<T>, Disposable {
  readonly #unread: Queue<T>
  readonly #leave: (self: Subscription<T>) => void
  #dropped = 0

  /** @internal use Broadcast.subscribe */
  constructor(
    name: string,
    capacity: number,
    changed: (isFull: boolean) => void,
    leave: (self: Subscription<T>) => void,
  ) {
    super(name)
    this.#unread = new Queue<T>({ maxsize: capacity, name }, new Unread<T>(capacity, changed))
    this.#leave = leave
  }

  /** How many messages this subscriber has lost because it was too slow. */
  get dropped(): number {
    return this.#dropped
  }

  /**
   * Waits for the next message, removes it from the queue and returns it. A cancelled call removes no message.
   *
   * @throws {QueueShutDown} (the future fails) when there will be no more messages
   */
  get(options?: { signal?: AbortSignal }): Future<T> {
    return this.#unread.get(options)
  }

  /** How many messages this subscriber has not received yet. */
  qsize(): number {
    return this.#unread.qsize()
  }

  /**
   * Returns how many messages are in the queue, how many fit, how many were lost, and how many callers wait in `get`.
   */
  override statistics(): {
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

  /**
   * Unsubscribes from the broadcast and drops the messages in the queue. A waiting `get` fails. A second call does
   * nothing.
   */
  [Symbol.dispose](): void {
    this.#unread.shutdown(true)
    this.#leave(this)
  }

  /** @internal adds a message to the queue; if there is no room, the oldest message is dropped */
  deliver(message: T): void {
    if (this.#unread.full()) {
      this.#unread.getNowait()
      this.#dropped++
    }
    this.#unread.putNowait(message)
  }

  /** @internal ends the subscription; messages that are in the queue can still be received */
  end(): void {
    this.#unread.shutdown()
  }
}

/**
 * Every subscriber gets every message that is published after it subscribed, in order.
 *
 * A subscriber that lags behind by `capacity` messages either makes publishers wait (`lag: 'block'`) or loses its
 * oldest message (`lag: 'drop-oldest'`, counted in `dropped`). A message is delivered to all subscribers at once. If a
 * `publish` is cancelled while it waits, no subscriber gets its message.
 *
 * @example
 *     const news = new Broadcast<string>({ lag: 'drop-oldest', history: 10 })
 *     await news.publish('hello')
 *     const late = news.subscribe() // gets the history first
 *     news.close()
 *     for await (const item of late) console.log(item) // hello
 */
export class Broadcast<T> extends Primitive {
  readonly #history = new Fifo<T>()
  readonly #keep: number
  readonly #capacity: number
  readonly #blocks: boolean
  readonly #subscriptions = new Set<Subscription<T>>()
  /** How many subscribers have no room. */
  #full = 0
  readonly #publishers = new WaiterQueue<void, T>(() => ({
    of: this,
    state: 'to publish while a subscriber lags',
  }))
  #closed = false

  /**
   * @param options.history how many of the last messages a new subscriber gets first; 0 by default
   * @param options.lag what happens when a subscriber has no room: 'block' makes `publish` wait, 'drop-oldest' drops the
   * oldest message of that subscriber
   * @param options.capacity how many messages a subscriber may lag behind; 64 by default, and never less than `history`
   */
  constructor(options: {
    history?: number
    lag: 'block' | 'drop-oldest'
    capacity?: number
    name?: string | undefined
  }) {
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`a Broadcast takes { lag }, got ${describe(options)}`)
    }
    const { lag, history = 0, capacity = 64 } = options
    if (lag !== 'block' && lag !== 'drop-oldest') {
      throw new TypeError(`the option lag must be 'block' or 'drop-oldest', got ${describe(lag)}`)
    }
    checkCount('the option history', history, 0)
    checkCount('the option capacity', capacity, 1)
    super(checkNamed('a Broadcast takes { lag }', options)?.name)
    this.#keep = history
    this.#capacity = Math.max(capacity, history)
    this.#blocks = lag === 'block'
  }

  /**
   * Gives `message` to every subscriber. With `lag: 'block'` the call waits until all subscribers have room and all
   * earlier messages are delivered. With `lag: 'drop-oldest'` it never waits.
   *
   * @throws {ChannelClosed} (the future fails) when the broadcast is closed, before or during the wait
   */
  publish(message: T, options?: { signal?: AbortSignal }): Future<void> {
    const refusal = cancelledIfAborted(options)
    if (refusal !== null) return refusal
    if (!this.#closed && (!this.#publishers.isEmpty() || !this.#hasRoom())) {
      const publishing = new Waiter(this.#publishing, message)
      this.#publishers.push(publishing)
      return cancelOnAbort(publishing, options?.signal)
    }
    if (this.#closed) return failedFuture(closedError())
    if (cancelIsDue()) return deferred(() => this.publish(message, options))
    this.#deliver(message)
    return completed()
  }

  /**
   * Returns a new subscription. It yields the messages that `history` keeps, and then all later messages. Dispose of
   * the subscription, or leave its loop, to unsubscribe.
   */
  subscribe(): Subscription<T> {
    const name = `of ${this.name}`
    const changed = (isFull: boolean): void => {
      this.#full += isFull ? 1 : -1
      if (!isFull) this.#wakeFirst()
    }
    const subscription = new Subscription<T>(name, this.#capacity, changed, (self) => {
      this.#subscriptions.delete(self)
    })
    for (const message of this.#history) subscription.deliver(message)
    if (this.#closed) subscription.end()
    else this.#subscriptions.add(subscription)
    return subscription
  }

  /** Ends the broadcast. Subscribers still get the messages in their queues, and then their loops end. */
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

  /**
   * Returns how many subscribers there are, how many publishers wait, how many messages are kept for new subscribers,
   * and whether the broadcast is closed.
   */
  override statistics(): {
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
    return !this.#blocks || this.#full === 0
  }

  #deliver(message: T): void {
    if (this.#keep > 0) {
      this.#history.push(message)
      if (this.#history.size > this.#keep) this.#history.pop()
    }
    for (const subscription of this.#subscriptions) subscription.deliver(message)
  }

  /**
   * Wakes the first waiting publisher. That publisher stays in the queue until its message is delivered, so that
   * messages keep their order.
   */
  readonly #wakeFirst = (): void => {
    if (!this.#publishers.isEmpty() && this.#hasRoom()) this.#publishers.first()?.wake()
  }

  readonly #publishing: Host<void, T> = {
    serve: (publisher) => {
      if (this.#closed) publisher.refuse(closedError())
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
