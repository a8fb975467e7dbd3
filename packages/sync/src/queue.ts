import { Future } from '@tasktree/core'
import { cancelOnAbort, describe } from '@tasktree/core/lowlevel'
import { QueueEmpty, QueueFull, QueueShutDown } from './errors.ts'
import { Fifo, type Items } from './items.ts'
import { Line } from './line.ts'
import { refused } from './refused.ts'
import { Waiter, WaiterQueue } from './waiter-queue.ts'
import { endAll, Waiting } from './waiting.ts'

/** What a queue holds, and who waits at it. */
class Stock<T> {
  readonly maxsize: number
  readonly items: Items<T>
  readonly getters = new WaiterQueue<T>()
  readonly putters = new WaiterQueue<void>()
  unfinished = 0
  isShutDown = false

  constructor(maxsize: number, items: Items<T>) {
    this.maxsize = maxsize
    this.items = items
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
}

/** A `get` that waits; when its turn comes too late for the item, it waits again. */
class Getting<T> extends Waiter<T> {
  readonly #stock: Stock<T>

  constructor(stock: Stock<T>) {
    super()
    this.#stock = stock
    stock.getters.push(this)
  }

  protected override claim(): void {
    const stock = this.#stock
    if (!stock.isEmpty()) this.setResult(stock.take())
    else if (stock.isShutDown) this.setException(new QueueShutDown())
    else stock.getters.push(this)
  }

  protected override decline(): void {
    if (!this.#stock.isEmpty()) this.#stock.getters.wakeNext()
  }
}

/** A `put` that waits; when its turn comes too late for the room, it waits again. */
class Putting<T> extends Waiter<void> {
  readonly #stock: Stock<T>
  readonly #item: T

  constructor(stock: Stock<T>, item: T) {
    super()
    this.#stock = stock
    this.#item = item
    stock.putters.push(this)
  }

  protected override claim(): void {
    const stock = this.#stock
    if (stock.isShutDown) this.setException(new QueueShutDown())
    else if (stock.isFull()) stock.putters.push(this)
    else {
      stock.put(this.#item)
      this.setResult()
    }
  }

  protected override decline(): void {
    if (!this.#stock.isFull()) this.#stock.putters.wakeNext()
  }
}

/**
 * Hands items from producers to consumers, first in, first out.
 *
 * A waiting `get` takes its item in its own turn: until then the item is in the queue, in its place, and
 * a `get` that is cancelled in between leaves it there. As in asyncio, one who comes in that moment and
 * need not wait may take it first; the waiter then waits again.
 *
 * Source: asyncio.Queue
 */
export class Queue<T> implements AsyncIterable<T> {
  readonly maxsize: number
  readonly #stock: Stock<T>
  readonly #joiners = new Line<Waiting<void>>()

  /** `maxsize` 0 or less: no limit. */
  constructor(options?: { maxsize?: number }, items: Items<T> = new Fifo<T>()) {
    const maxsize = options?.maxsize ?? 0
    if (typeof maxsize !== 'number' || Number.isNaN(maxsize)) {
      throw new TypeError(`maxsize must be a number, got ${describe(maxsize)}`)
    }
    this.maxsize = maxsize
    this.#stock = new Stock<T>(maxsize, items)
  }

  qsize(): number {
    return this.#stock.items.size
  }

  empty(): boolean {
    return this.#stock.isEmpty()
  }

  /** Whether it holds `maxsize` items; never when there is no limit. */
  full(): boolean {
    return this.#stock.isFull()
  }

  /** Ends when the item is in the queue; fails with QueueShutDown when the queue is, or is being, shut down. */
  put(item: T, options?: { signal?: AbortSignal }): Future<void> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const stock = this.#stock
    if (!stock.isShutDown && stock.isFull()) {
      return cancelOnAbort(new Putting(stock, item), options?.signal)
    }
    const now = new Future<void>()
    if (stock.isShutDown) now.setException(new QueueShutDown())
    else {
      stock.put(item)
      now.setResult()
    }
    return now
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

  /** Ends with the next item; fails with QueueShutDown when the queue is empty and shut down. */
  get(options?: { signal?: AbortSignal }): Future<T> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const stock = this.#stock
    if (stock.isEmpty() && !stock.isShutDown) {
      return cancelOnAbort(new Getting(stock), options?.signal)
    }
    const now = new Future<T>()
    if (stock.isEmpty()) now.setException(new QueueShutDown())
    else now.setResult(stock.take())
    return now
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

  /** Says that one item that was got has been dealt with. @throws {RangeError} when called more often than items were put */
  taskDone(): void {
    if (this.#stock.unfinished <= 0)
      throw new RangeError('taskDone() was called more often than items were put')
    if (--this.#stock.unfinished === 0) this.#finish()
  }

  /** Ends when every item that was put has been dealt with, by `taskDone`. */
  join(options?: { signal?: AbortSignal }): Future<void> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    if (this.#stock.unfinished > 0)
      return cancelOnAbort(new Waiting(this.#joiners), options?.signal)
    const finished = new Future<void>()
    finished.setResult()
    return finished
  }

  #finish(): void {
    endAll(this.#joiners, undefined)
  }

  /**
   * Refuses new items; `get` fails once the queue is empty. With `immediate` the items that are left are
   * dropped, and count as dealt with. Whoever waits is woken.
   */
  shutdown(immediate = false): void {
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

  /** Items it holds; who waits to get, to put, and for the end of what is not dealt with; whether it was shut down. */
  statistics(): {
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
