import type { Future } from '@tasktree/core'
import { cancelOnAbort, completed, describe } from '@tasktree/core/lowlevel'
import { QueueEmpty, QueueFull, QueueShutDown } from './errors.ts'
import { Fifo, type Items } from './items.ts'
import { failed } from './failed.ts'
import { type Awaited, checkNamed, Primitive } from './primitive.ts'
import { refused } from './refused.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/**
 * The state of a queue: its items, and the waiters in line to get and to put.
 *
 * A waiter that was woken takes its item, or its room, in its own turn of the loop. Until then the item is in the queue,
 * in its place, so a cancel in the same turn leaves it there. A caller that need not wait may be quicker than a woken
 * waiter, as in asyncio; then the waiter waits again.
 */
class Stock<T> {
  readonly maxsize: number
  readonly items: Items<T>
  readonly getters: WaiterQueue<T>
  readonly putters: WaiterQueue<void, T>
  unfinished = 0
  isShutDown = false

  /** A `get` waits again if its turn comes too late for the item. */
  readonly getting: Host<T, undefined> = {
    serve: (getter) => {
      if (!this.isEmpty()) this.#takeFor(getter)
      else if (this.isShutDown) getter.setException(new QueueShutDown())
      else this.getters.push(getter)
    },
    pass: () => {
      if (!this.isEmpty()) this.getters.wakeNext()
    },
  }
  /** A `put` waits again if its turn comes too late for the room. */
  readonly putting: Host<void, T> = {
    serve: (putter) => {
      if (this.isShutDown) putter.setException(new QueueShutDown())
      else if (this.isFull()) this.putters.push(putter)
      else this.#putFor(putter)
    },
    pass: () => {
      if (!this.isFull()) this.putters.wakeNext()
    },
  }

  constructor(maxsize: number, items: Items<T>, of: Awaited['of']) {
    this.maxsize = maxsize
    this.items = items
    this.getters = new WaiterQueue(() => ({
      of,
      state: 'to get an item',
      note: `to get an item, ${items.size} in it, ${this.getters.size} in line`,
    }))
    this.putters = new WaiterQueue(() => ({
      of,
      state: `to put an item (it holds ${items.size})`,
      note: `to put an item, ${items.size} of ${maxsize} in it, ${this.putters.size} in line`,
    }))
  }

  isEmpty(): boolean {
    return this.items.size === 0
  }

  isFull(): boolean {
    return this.maxsize > 0 && this.items.size >= this.maxsize
  }

  put(item: T): void {
    this.items.push(item)
    this.unfinished++
    this.getters.wakeNext()
  }

  take(): T {
    const item = this.items.pop()
    this.putters.wakeNext()
    return item
  }

  /** If the comparison of a PriorityQueue throws, the `get` fails with its error, and the turn goes to the next waiter. */
  #takeFor(getter: Waiter<T>): void {
    try {
      getter.setResult(this.take())
    } catch (error) {
      getter.setException(error)
      this.getting.pass(getter)
    }
  }

  #putFor(putter: Waiter<void, T>): void {
    try {
      this.put(putter.ask)
      putter.setResult()
    } catch (error) {
      putter.setException(error)
      this.putting.pass(putter)
    }
  }
}

/**
 * Hands items from producers to consumers, first in, first out.
 *
 * A waiting `get` takes its item in its own turn of the loop. Until then the item is in the queue, in its place, and a
 * `get` that is cancelled in between leaves it there. As in asyncio, a caller that comes in that moment and need not wait
 * may take the item first; the waiter then waits again.
 *
 * Source: asyncio.Queue
 */
export class Queue<T> extends Primitive implements AsyncIterable<T> {
  readonly maxsize: number
  readonly #stock: Stock<T>
  readonly #joiners = new WaiterQueue<void>(() => ({
    of: this,
    state: `until its ${this.#stock.unfinished} unfinished items are done`,
  }))

  /** A `maxsize` of 0 or less means no limit. */
  constructor(
    options?: { maxsize?: number; name?: string | undefined },
    items: Items<T> = new Fifo<T>(),
  ) {
    const { maxsize = 0, name } = checkNamed('a queue takes { maxsize }', options) ?? {}
    if (typeof maxsize !== 'number' || Number.isNaN(maxsize)) {
      throw new TypeError(`maxsize must be a number, got ${describe(maxsize)}`)
    }
    super(name)
    this.maxsize = maxsize
    this.#stock = new Stock<T>(maxsize, items, this)
  }

  qsize(): number {
    return this.#stock.items.size
  }

  empty(): boolean {
    return this.#stock.isEmpty()
  }

  /** Whether it holds `maxsize` items; never if there is no limit. */
  full(): boolean {
    return this.#stock.isFull()
  }

  /** Ends when the item is in the queue. Fails with QueueShutDown if the queue is shut down, before or during the wait. */
  put(item: T, options?: { signal?: AbortSignal }): Future<void> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const stock = this.#stock
    if (!stock.isShutDown && stock.isFull()) {
      const putter = new Waiter(stock.putting, item)
      stock.putters.push(putter)
      return cancelOnAbort(putter, options?.signal)
    }
    if (stock.isShutDown) return failed(new QueueShutDown())
    stock.put(item)
    return completed()
  }

  /**
   * @throws {QueueFull} when it is full
   * @throws {QueueShutDown} when it was shut down
   */
  putNowait(item: T): void {
    const stock = this.#stock
    if (stock.isShutDown) throw new QueueShutDown()
    if (stock.isFull()) throw new QueueFull(this.maxsize)
    stock.put(item)
  }

  /** Ends with the next item. Fails with QueueShutDown if the queue is empty and shut down. */
  get(options?: { signal?: AbortSignal }): Future<T> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const stock = this.#stock
    if (stock.isEmpty() && !stock.isShutDown) {
      const getter = new Waiter(stock.getting, undefined)
      stock.getters.push(getter)
      return cancelOnAbort(getter, options?.signal)
    }
    return stock.isEmpty() ? failed(new QueueShutDown()) : completed(stock.take())
  }

  /**
   * @throws {QueueEmpty} when it is empty
   * @throws {QueueShutDown} when it is empty and was shut down
   */
  getNowait(): T {
    const stock = this.#stock
    if (stock.isEmpty()) throw stock.isShutDown ? new QueueShutDown() : new QueueEmpty()
    return stock.take()
  }

  /** Marks one item that was taken as done. @throws {RangeError} when called more often than items were put */
  taskDone(): void {
    if (this.#stock.unfinished <= 0)
      throw new RangeError('taskDone() was called more often than items were put')
    if (--this.#stock.unfinished === 0) this.#finish()
  }

  /** Ends when `taskDone` was called for every item that was put. */
  join(options?: { signal?: AbortSignal }): Future<void> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    if (this.#stock.unfinished > 0) {
      const joiner = new Waiter<void>(null, undefined)
      this.#joiners.push(joiner)
      return cancelOnAbort(joiner, options?.signal)
    }
    return completed()
  }

  #finish(): void {
    this.#joiners.endAll(undefined)
  }

  /**
   * Refuses new items; `get` fails once the queue is empty. With `immediate`, the items that are left are dropped, and
   * count as done. Every waiter is woken.
   */
  shutdown(immediate = false): void {
    if (typeof immediate !== 'boolean') {
      throw new TypeError(`immediate must be true or false, got ${describe(immediate)}`)
    }
    const stock = this.#stock
    stock.isShutDown = true
    if (immediate) {
      while (!stock.isEmpty()) {
        stock.items.pop()
        if (stock.unfinished > 0) stock.unfinished--
      }
      if (stock.unfinished === 0) this.#finish()
    }
    while (stock.getters.wakeNext());
    while (stock.putters.wakeNext());
  }

  /** Gets items until the queue is shut down and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let item: T
      try {
        item = await this.get()
      } catch (error) {
        if (error instanceof QueueShutDown) return
        throw error
      }
      yield item
    }
  }

  /** How many items it holds; how many wait to get, to put and to join; how many items are not done; and whether it was shut down. */
  override statistics(): {
    readonly size: number
    readonly maxsize: number
    readonly getters: number
    readonly putters: number
    readonly joiners: number
    readonly unfinished: number
    readonly isShutDown: boolean
  } {
    const { items, maxsize, getters, putters, unfinished, isShutDown } = this.#stock
    return Object.freeze({
      size: items.size,
      maxsize,
      getters: getters.size,
      putters: putters.size,
      joiners: this.#joiners.size,
      unfinished,
      isShutDown,
    })
  }
}
