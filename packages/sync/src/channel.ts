import type { Future } from '@tasktree/core'
import { cancelOnAbort, checkCount, completed, describe } from '@tasktree/core/lowlevel'
import { ChannelClosed, EndOfChannel, WouldBlock } from './errors.ts'
import { Fifo } from './items.ts'
import { failed } from './failed.ts'
import { type Awaited, checkNamed, Primitive } from './primitive.ts'
import { refused } from './refused.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/** The state of one handle, which its waiting senders look at. */
interface Handle<T> {
  closed: boolean
  /** What waits in the handle's `send`, in line or woken. Made by the first of them. */
  senders: Set<Waiter<void, Sending<T>>> | null
}

interface Sending<T> {
  readonly handle: Handle<T>
  readonly item: T
}

/**
 * The state that the handles of one channel share: the items, and the waiters in line to receive and to send.
 *
 * A receiver is woken when there is an item for it, a sender when there is room for it. Both take what they were woken for
 * in their own turn of the loop. `wokenReceivers` and `wokenSenders` keep that item and that room for them meanwhile.
 */
class Shared<T> {
  readonly capacity: number
  readonly items = new Fifo<T>()
  readonly receivers = new WaiterQueue<T>(() => ({
    of: this.first,
    state: 'to receive an item',
    note: `to receive an item, ${this.items.size} in it`,
  }))
  readonly senders = new WaiterQueue<void, Sending<T>>(() => ({
    of: this.first,
    state: 'to send an item',
    note: `to send an item, ${this.items.size} of ${this.capacity} in it`,
  }))
  /** The first handle names the channel in the task tree. */
  first: Awaited['of'] = { kind: 'channel', label: () => 'Channel', words: () => 'a channel' }
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
      sender.ask.handle.senders?.delete(sender)
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
      sender.ask.handle.senders?.delete(sender)
      this.wake()
    },
    leave: (sender) => {
      sender.ask.handle.senders?.delete(sender)
    },
    forget: (sender) => {
      sender.ask.handle.senders?.delete(sender)
    },
  }

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** Each waiting receiver makes room for one item, so a channel of capacity 0 hands over directly. */
  hasRoom(): boolean {
    // Looking at the first receiver drops those that can never be served.
    this.receivers.isEmpty()
    const room = this.capacity + this.receivers.size + this.wokenReceivers
    return this.items.size + this.wokenSenders < room
  }

  /** Whether a sender need not wait, and would overtake nobody. */
  canSend(): boolean {
    return this.wokenSenders === 0 && this.senders.isEmpty() && this.hasRoom()
  }

  /** Whether a receiver need not wait, and would overtake nobody. */
  canReceive(): boolean {
    return this.wokenReceivers === 0 && this.receivers.isEmpty() && this.hasSpare()
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

  /** Wakes every receiver for which there is an item, and every sender for which there is room. */
  wake(): void {
    while ((this.hasSpare() || this.openHandles === 0) && this.receivers.wakeNext()) {
      this.wokenReceivers++
    }
    while (this.hasRoom() && this.senders.wakeNext()) this.wokenSenders++
  }
}

/**
 * A queue that knows when it is over: it ends when every handle on it is closed and every item has been received. Give
 * each producer a `clone()` of its own, which it closes after its last `send`. Consumers iterate.
 *
 * Senders and receivers are served in the order in which they came. An item is in the channel until a receiver takes it
 * in its own turn of the loop, so a cancelled `receive()` leaves it there. A cancelled `send()` has sent nothing. With
 * capacity 0, a `send` ends only when a receiver waits for the item.
 *
 * Source: trio.open_memory_channel. Differs: one handle both sends and receives. Closing it ends its sending only, so the
 * items that are left can be received.
 */
export class Channel<T> extends Primitive implements AsyncIterable<T>, Disposable {
  /** @internal the bundler calls a class that names itself `_Channel` */
  static override readonly name: string = 'Channel'

  #shared: Shared<T>
  readonly #handle: Handle<T> = { closed: false, senders: null }

  /**
   * @param options.capacity how many items it holds beyond those that receivers wait for; 0 hands over directly, Infinity
   * never makes a sender wait
   * @throws {RangeError} when it is negative or not a whole number
   */
  constructor(options: { capacity: number; name?: string | undefined }) {
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`a Channel takes { capacity }, got ${describe(options)}`)
    }
    const capacity = checkCount('the option capacity', options.capacity, 0)
    super(checkNamed('a Channel takes { capacity }', options)?.name)
    this.#shared = new Shared<T>(capacity)
    this.#shared.first = {
      kind: this.kind,
      label: () => super.label(),
      words: () => super.words(),
    }
  }

  /** @internal a clone has the label of the first handle */
  override label(): string {
    return this.#shared.first.label()
  }

  /** @internal */
  override words(): string {
    return this.#shared.first.words()
  }

  /** Whether this handle is closed. */
  get closed(): boolean {
    return this.#handle.closed
  }

  /**
   * Waits until there is room, and puts `item` into the channel. Does not suspend if there is room.
   *
   * @throws {ChannelClosed} (the future fails) when this handle is closed, before or during the wait
   */
  send(item: T, options?: { signal?: AbortSignal }): Future<void> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const shared = this.#shared
    if (!this.closed && !shared.canSend()) {
      const handle = this.#handle
      const sender = new Waiter<void, Sending<T>>(shared.sending, { handle, item })
      shared.senders.push(sender)
      handle.senders ??= new Set()
      handle.senders.add(sender)
      return cancelOnAbort(sender, options?.signal)
    }
    if (this.closed) return failed(new ChannelClosed())
    shared.put(item)
    return completed()
  }

  /**
   * Puts `item` into the channel if there is room and nobody is in line.
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
   * Waits for the next item and takes it. Does not suspend if there is one.
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
   * Takes the next item if there is one and nobody is in line. With capacity 0 there never is one, because a sender hands
   * its item only to a receiver that waits in `receive`.
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
    const shared = this.#shared
    // The clone is the same channel, and has the same name.
    const clone = new Channel<T>({ capacity: shared.capacity, name: this.name })
    clone.#shared = shared
    clone.#shared.openHandles++
    return clone
  }

  /** Ends the sending of this handle: its waiting `send` calls fail. The last close ends the channel. A second close of a handle does nothing. */
  close(): void {
    const handle = this.#handle
    if (handle.closed) return
    handle.closed = true
    const shared = this.#shared
    shared.openHandles--
    for (const sender of handle.senders ?? []) {
      // One that was woken gets its error in its turn.
      if (sender.isWoken()) continue
      shared.senders.remove(sender)
      sender.setException(new ChannelClosed())
    }
    handle.senders = null
    shared.wake()
  }

  /** How many items it holds, how many wait to send and to receive, and how many handles are open. */
  override statistics(): {
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
