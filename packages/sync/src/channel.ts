import type { Future } from '@tasktree/core'
import { cancelOnAbort, completed, describe } from '@tasktree/core/lowlevel'
import { checkCount } from './check-count.ts'
import { ChannelClosed, EndOfChannel, WouldBlock } from './errors.ts'
import { Fifo } from './items.ts'
import { failed } from './failed.ts'
import { refused } from './refused.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/** What a waiting sender knows of its handle. */
interface Handle {
  closed: boolean
  /** How many wait in its `send`. */
  senders: number
}

interface Sending<T> {
  readonly handle: Handle
  readonly item: T
}

/** What the handles of one channel share. */
class Shared<T> {
  readonly capacity: number
  readonly items = new Fifo<T>()
  readonly receivers = new WaiterQueue<T>()
  readonly senders = new WaiterQueue<void, Sending<T>>()
  /** Woken, and their turn is to come: there is an item for each of these receivers, and room for each of the senders. */
  wokenReceivers = 0
  wokenSenders = 0
  openHandles = 1
  readonly receiving: Host<T, undefined> = {
    serve: (receiver) => {
      this.wokenReceivers--
      if (this.items.size > 0) receiver.setResult(this.take())
      else receiver.setException(new EndOfChannel())
    },
    pass: () => {
      this.wokenReceivers--
      this.wake()
    },
  }
  readonly sending: Host<void, Sending<T>> = {
    serve: (sender) => {
      this.wokenSenders--
      sender.ask.handle.senders--
      if (sender.ask.handle.closed) {
        sender.setException(new ChannelClosed())
        this.wake()
        return
      }
      this.put(sender.ask.item)
      sender.setResult()
    },
    pass: (sender) => {
      this.wokenSenders--
      sender.ask.handle.senders--
      this.wake()
    },
    leave: (sender) => {
      sender.ask.handle.senders--
    },
  }

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** A receiver that waits makes room for one item: so a channel of capacity 0 hands over directly. */
  hasRoom(): boolean {
    const room = this.capacity + this.receivers.size + this.wokenReceivers
    return this.items.size + this.wokenSenders < room
  }

  /** Whether a sender would not have to wait, nor overtakes anybody. */
  canSend(): boolean {
    return this.wokenSenders === 0 && this.senders.size === 0 && this.hasRoom()
  }

  /** Whether a receiver would not have to wait, nor overtakes anybody. */
  canReceive(): boolean {
    return this.wokenReceivers === 0 && this.receivers.size === 0 && this.hasSpare()
  }

  hasEnded(): boolean {
    return this.openHandles === 0 && this.items.size === 0
  }

  /** Whether there is an item that no receiver was woken for. */
  hasSpare(): boolean {
    return this.items.size > this.wokenReceivers
  }

  put(item: T): void {
    this.items.push(item)
    this.wake()
  }

  take(): T {
    const item = this.items.pop()
    this.wake()
    return item
  }

  /** Wakes whoever can go on. */
  wake(): void {
    while ((this.hasSpare() || this.openHandles === 0) && this.receivers.wakeNext()) {
      this.wokenReceivers++
    }
    while (this.hasRoom() && this.senders.wakeNext()) this.wokenSenders++
  }
}

/**
 * A queue that knows when it is over: it ends when every handle on it is closed and everything that was
 * sent has been received. Give each producer a `clone()` of its own to close; consumers iterate.
 *
 * Senders and receivers are served in the order they came. An item is in the channel until a receiver
 * takes it in its own turn, so a cancelled `receive()` leaves it there; a cancelled `send()` has sent
 * nothing. With capacity 0 a `send` ends only when a receiver waits for the item.
 *
 * Source: trio.open_memory_channel. Differs: one handle both sends and receives; closing it ends its
 * sending only, so what is left can be received.
 */
export class Channel<T> implements AsyncIterable<T>, Disposable {
  /** @internal the bundler calls a class that names itself `_Channel` */
  static readonly name: string = 'Channel'

  #shared: Shared<T>
  readonly #handle: Handle = { closed: false, senders: 0 }

  /**
   * @param options.capacity how many items it holds beyond those that receivers wait for; 0 hands over
   * directly, Infinity never makes a sender wait
   * @throws {RangeError} when it is negative or not an integer
   */
  constructor(options: { capacity: number }) {
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`a Channel takes { capacity }, got ${describe(options)}`)
    }
    this.#shared = new Shared<T>(checkCount('the option capacity', options.capacity, 0))
  }

  /** Whether this handle is closed. */
  get closed(): boolean {
    return this.#handle.closed
  }

  /**
   * Waits until there is room, and puts `item` into the channel. Does not suspend when there is room.
   *
   * @throws {ChannelClosed} (the future fails) when this handle is closed, also while it waits
   */
  send(item: T, options?: { signal?: AbortSignal }): Future<void> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const shared = this.#shared
    if (!this.closed && !shared.canSend()) {
      const handle = this.#handle
      const sender = new Waiter<void, Sending<T>>(shared.sending, { handle, item })
      shared.senders.push(sender)
      handle.senders++
      return cancelOnAbort(sender, options?.signal)
    }
    if (this.closed) return failed(new ChannelClosed())
    shared.put(item)
    return completed()
  }

  /**
   * Puts `item` into the channel when there is room and nobody is in line.
   *
   * @throws {WouldBlock} otherwise
   * @throws {ChannelClosed} when this handle is closed
   */
  sendNowait(item: T): void {
    const shared = this.#shared
    if (this.closed) throw new ChannelClosed()
    if (!shared.canSend()) throw new WouldBlock('the channel has no room', 'send()')
    shared.put(item)
  }

  /**
   * Waits for the next item and takes it. Does not suspend when there is one.
   *
   * @throws {EndOfChannel} (the future fails) when every handle is closed and nothing is left
   */
  receive(options?: { signal?: AbortSignal }): Future<T> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const shared = this.#shared
    const ended = shared.hasEnded()
    if (!ended && !shared.canReceive()) {
      const receiver = new Waiter(shared.receiving, undefined)
      shared.receivers.push(receiver)
      shared.wake()
      return cancelOnAbort(receiver, options?.signal)
    }
    return ended ? failed(new EndOfChannel()) : completed(shared.take())
  }

  /**
   * Takes the next item when there is one and nobody is in line. With capacity 0 there never is one: a
   * sender waits for somebody who waits in `receive`.
   *
   * @throws {WouldBlock} otherwise
   * @throws {EndOfChannel} when every handle is closed and nothing is left
   */
  receiveNowait(): T {
    const shared = this.#shared
    if (shared.hasEnded()) throw new EndOfChannel()
    if (!shared.canReceive()) throw new WouldBlock('the channel has no item', 'receive()')
    return shared.take()
  }

  /** Another handle on this channel, which ends only when both are closed. @throws {ChannelClosed} when this one is */
  clone(): Channel<T> {
    if (this.closed) throw new ChannelClosed()
    const clone = new Channel<T>({ capacity: this.#shared.capacity })
    clone.#shared = this.#shared
    clone.#shared.openHandles++
    return clone
  }

  /** This handle sends no more; who waits in its `send` fails. With the last handle the channel ends. Twice does nothing. */
  close(): void {
    const handle = this.#handle
    if (handle.closed) return
    handle.closed = true
    const shared = this.#shared
    shared.openHandles--
    // Those of other handles may be many.
    for (let sender = shared.senders.first(); sender !== null && handle.senders > 0;) {
      const next = sender.nextInLine
      if (sender.ask.handle === handle) {
        shared.senders.remove(sender)
        handle.senders--
        sender.setException(new ChannelClosed())
      }
      sender = next
    }
    shared.wake()
  }

  /** Items it holds, tasks that wait, and handles that are open. */
  statistics(): {
    readonly size: number
    readonly capacity: number
    readonly senders: number
    readonly receivers: number
    readonly openHandles: number
  } {
    const shared = this.#shared
    return Object.freeze({
      size: shared.items.size,
      capacity: shared.capacity,
      senders: shared.senders.size + shared.wokenSenders,
      receivers: shared.receivers.size + shared.wokenReceivers,
      openHandles: shared.openHandles,
    })
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Receives until the channel ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let item: T
      try {
        item = await this.receive()
      } catch (error) {
        if (error instanceof EndOfChannel) return
        throw error
      }
      yield item
    }
  }
}
