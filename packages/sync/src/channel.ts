import type { Future } from '@tasktree/core'
import {
  cancelIsDue,
  cancelOnAbort,
  checkCount,
  completed,
  deferred,
  describe,
} from '@tasktree/core/lowlevel'
import { ChannelClosed, EndOfChannel, WouldBlock } from './errors.ts'
import { Fifo } from './items.ts'
import { failedFuture } from './failed-future.ts'
import { type Awaited, checkNamed, Primitive } from './primitive.ts'
import { cancelledIfAborted } from './cancelled-if-aborted.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/** The state of one handle. The senders that wait in this handle read it. */
interface Handle<T> {
  closed: boolean
  /**
   * The `send` calls of this handle that wait, and those that were woken and whose code has not continued yet. Null
   * before any `send` has waited, and after the close.
   */
  senders: Set<Waiter<void, Sending<T>>> | null
}

interface Sending<T> {
  readonly handle: Handle<T>
  readonly item: T
}

/**
 * The state that all handles of one channel share: the items, and the queues of waiting receivers and senders.
 *
 * A receiver is woken when there is an item for it, and a sender when there is room for its item. A woken receiver
 * removes its item, and a woken sender adds its item, only when its code continues. Until then `wokenReceivers` and
 * `wokenSenders` reserve that item and that room.
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
  /** The first handle of the channel. The task tree shows its name for all handles. */
  first: Awaited['of'] = { kind: 'channel', label: () => 'Channel', words: () => 'a channel' }
  wokenReceivers = 0
  wokenSenders = 0
  openHandles = 1
  readonly receiving: Host<T, undefined> = {
    serve: (receiver) => {
      this.wokenReceivers--
      if (this.items.size > 0) receiver.setResult(this.take())
      else receiver.refuse(new EndOfChannel())
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
        sender.refuse(new ChannelClosed())
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

  /**
   * Whether another item may be sent. Each waiting receiver makes room for one item, so that a channel of capacity 0
   * can pass items on.
   */
  hasRoom(): boolean {
    // `isEmpty()` first removes receivers whose loop was closed, because they can never be served.
    this.receivers.isEmpty()
    const room = this.capacity + this.receivers.size + this.wokenReceivers
    return this.items.size + this.wokenSenders < room
  }

  /** Whether a sender can send at once without overtaking a waiting sender. */
  canSend(): boolean {
    return this.wokenSenders === 0 && this.senders.isEmpty() && this.hasRoom()
  }

  /** Whether a receiver can receive at once without overtaking a waiting receiver. */
  canReceive(): boolean {
    return this.wokenReceivers === 0 && this.receivers.isEmpty() && this.hasSpare()
  }

  hasEnded(): boolean {
    return this.openHandles === 0 && this.items.size === 0
  }

  /** Whether there is an item that is not reserved for a woken receiver. */
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

  /**
   * Wakes every receiver for which there is an item, and every sender for which there is room. Wakes all receivers if
   * every handle is closed.
   */
  wake(): void {
    while ((this.hasSpare() || this.openHandles === 0) && this.receivers.wakeNext()) {
      this.wokenReceivers++
    }
    while (this.hasRoom() && this.senders.wakeNext()) this.wokenSenders++
  }
}

/**
 * A queue with an end: it ends when every handle is closed and every item has been received. Give each producer a
 * separate handle, made by `clone()`, which the producer closes after its last `send`. Consumers iterate.
 *
 * Senders and receivers are served in the order of their calls. An item stays in the channel until the receiving code
 * continues, so a cancelled `receive()` removes no item. A cancelled `send()` has sent nothing. With capacity 0, a
 * `send` waits for a receiver. If that receiver is then cancelled, the item stays in the channel for the next receiver.
 *
 * @example
 *     const lines = new Channel<string>({ capacity: 10 })
 *     const producer = createTask(async () => {
 *       await lines.send('first')
 *       await lines.send('second')
 *       lines.close()
 *     })
 *     for await (const line of lines) console.log(line) // first, then second
 *     await producer
 *
 * Source: trio.open_memory_channel. Differs: one handle both sends and receives. Closing a handle only ends its
 * sending, so the remaining items can be received.
 */
export class Channel<T> extends Primitive implements AsyncIterable<T>, Disposable {
  /** @internal the name that users see; without it, a bundler may rename the class to `_Channel` */
  static override readonly name: string = 'Channel'

  #shared: Shared<T>
  readonly #handle: Handle<T> = { closed: false, senders: null }

  /**
   * @param options.capacity how many items the channel keeps besides those that go to waiting receivers. With 0, a
   * sender waits for a receiver. With Infinity, a sender never waits.
   * @throws {RangeError} when the capacity is negative or not a whole number
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

  /** @internal returns the label of the first handle, even for a clone */
  override label(): string {
    return this.#shared.first.label()
  }

  /** @internal returns the words for the first handle, even for a clone */
  override words(): string {
    return this.#shared.first.words()
  }

  /** Whether this handle is closed. */
  get closed(): boolean {
    return this.#handle.closed
  }

  /**
   * Waits until there is room, and puts `item` into the channel. Does not suspend if there is room and no sender is
   * waiting.
   *
   * @throws {ChannelClosed} (the future fails) when this handle is closed, before or during the wait
   */
  send(item: T, options?: { signal?: AbortSignal }): Future<void> {
    const refusal = cancelledIfAborted(options)
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
    if (this.closed) return failedFuture(new ChannelClosed())
    if (cancelIsDue()) return deferred(() => this.send(item, options))
    shared.put(item)
    return completed()
  }

  /**
   * Puts `item` into the channel if there is room and no sender is waiting.
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
   * Waits for the next item, removes it from the channel and returns it. Does not suspend if there is an item and no other
   * receiver is waiting.
   *
   * @throws {EndOfChannel} (the future fails) when every handle is closed and no item is left
   */
  receive(options?: { signal?: AbortSignal }): Future<T> {
    const refusal = cancelledIfAborted(options)
    if (refusal !== null) return refusal
    const shared = this.#shared
    const ended = shared.hasEnded()
    if (!ended && !shared.canReceive()) {
      const receiver = new Waiter(shared.receiving, undefined)
      shared.receivers.push(receiver)
      shared.wake()
      return cancelOnAbort(receiver, options?.signal)
    }
    if (ended) return failedFuture(new EndOfChannel())
    if (cancelIsDue()) return deferred(() => this.receive(options))
    return completed(shared.take())
  }

  /**
   * Removes and returns the next item, if there is one and no receiver is waiting. With capacity 0 there is usually no
   * item, because a sender waits for a receiver that waits in `receive`.
   *
   * @throws {WouldBlock} otherwise
   * @throws {EndOfChannel} when every handle is closed and no item is left
   */
  receiveNowait(): T {
    const shared = this.#shared
    if (shared.hasEnded()) throw new EndOfChannel()
    if (!shared.canReceive()) throw new WouldBlock('the channel has no item', 'receive()')
    return shared.take()
  }

  /**
   * Returns another handle of this channel. The channel ends only when all handles are closed. @throws {ChannelClosed}
   * when this handle is closed
   */
  clone(): Channel<T> {
    if (this.closed) throw new ChannelClosed()
    const shared = this.#shared
    // The clone is the same channel, and has the same name.
    const clone = new Channel<T>({ capacity: shared.capacity, name: this.name })
    clone.#shared = shared
    clone.#shared.openHandles++
    return clone
  }

  /**
   * Ends the sending of this handle: its waiting `send` calls fail. Closing the last handle ends the channel. A second
   * call does nothing.
   */
  close(): void {
    const handle = this.#handle
    if (handle.closed) return
    handle.closed = true
    const shared = this.#shared
    shared.openHandles--
    for (const sender of handle.senders ?? []) {
      // A sender that was already woken gets its error when its code continues.
      if (sender.isWoken()) continue
      shared.senders.remove(sender)
      sender.refuse(new ChannelClosed())
    }
    handle.senders = null
    shared.wake()
  }

  /** Returns how many items the channel holds, how many senders and receivers wait, and how many handles are open. */
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

  /** Yields items until the channel ends. */
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
