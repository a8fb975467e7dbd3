import type { Future } from '@tasktree/core'
import { cancelIsDue, cancelOnAbort, completed, deferred, describe } from '@tasktree/core/lowlevel'
import { QueueEmpty, QueueFull, QueueShutDown } from './errors.ts'
import { Fifo, type Items } from './items.ts'
import { failedFuture } from './failed-future.ts'
import { type Awaited, checkNamed, Primitive } from './primitive.ts'
import { cancelledIfAborted } from './cancelled-if-aborted.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/**
 * The state of a queue: its items, and the queues of waiting `get` and `put` calls.
 *
 * A waiter that was woken removes or adds its item only when its code continues. Until then the item stays at the front
 * of the queue, so a cancel in between changes nothing. A caller that need not wait may come before a woken waiter, as
 * in asyncio; then the waiter waits again.
 */
class Stock<T> {
  readonly maxsize: number
  readonly items: Items<T>
  readonly getters: WaiterQueue<T>
  readonly putters: WaiterQueue<void, T>
  unfinished = 0
  isShutDown = false

  /** The methods that serve a woken `get`. If another caller has already taken the item, the `get` waits again. */
  readonly getting: Host<T, undefined> = {
    serve: (getter) => {
      if (!this.isEmpty()) this.#takeFor(getter)
      else if (this.isShutDown) getter.refuse(new QueueShutDown())
      else this.getters.push(getter)
    },
    pass: () => {
      if (!this.isEmpty()) this.getters.wakeNext()
    },
  }
  /** The methods that serve a woken `put`. If another caller has already used the room, the `put` waits again. */
  readonly putting: Host<void, T> = {
    serve: (putter) => {
      if (this.isShutDown) putter.refuse(new QueueShutDown())
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

  /**
   * Gives the next item to a waiting `get`. If the comparison of a PriorityQueue throws, the `get` fails with that
   * error, and the next waiter is served.
   */
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
 * Passes items from producers to consumers, first in, first out.
 *
 * A woken `get` removes its item only when its code continues. Until then the item stays at the front of the queue, so
 * a `get` that is cancelled in between removes no item. As in asyncio, another caller may take the item in between;
 * then the woken `get` waits again.
 *
 * @example
 *     const queue = new Queue<number>({ maxsize: 10 })
 *     const worker = createTask(async () => {
 *       for await (const n of queue) {
 *         console.log(n * n) // 1, then 4
 *         queue.taskDone()
 *       }
 *     })
 *     for (const n of [1, 2]) await queue.put(n)
 *     await queue.join() // until each item is done
 *     worker.cancel()
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

  /** Makes an empty queue for at most `maxsize` items. A `maxsize` of 0 or less means no limit. */
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

  /** Whether the queue holds `maxsize` items. Always false if there is no limit. */
  full(): boolean {
    return this.#stock.isFull()
  }

  /**
   * Adds an item, and waits for room if the queue is full. Fails with QueueShutDown if the queue is shut down, before
   * or during the wait.
   */
  put(item: T, options?: { signal?: AbortSignal }): Future<void> {
    const refusal = cancelledIfAborted(options)
    if (refusal !== null) return refusal
    const stock = this.#stock
    if (!stock.isShutDown && stock.isFull()) {
      const putter = new Waiter(stock.putting, item)
      stock.putters.push(putter)
      return cancelOnAbort(putter, options?.signal)
    }
    if (stock.isShutDown) return failedFuture(new QueueShutDown())
    if (cancelIsDue()) return deferred(() => this.put(item, options))
    stock.put(item)
    return completed()
  }

  /**
   * Adds an item without waiting.
   *
   * @throws {QueueFull} when the queue is full
   * @throws {QueueShutDown} when the queue was shut down
   */
  putNowait(item: T): void {
    const stock = this.#stock
    if (stock.isShutDown) throw new QueueShutDown()
    if (stock.isFull()) throw new QueueFull(this.maxsize)
    stock.put(item)
  }

  /**
   * Waits for the next item, removes it from the queue and returns it. Fails with QueueShutDown if the queue is empty
   * and shut down.
   */
  get(options?: { signal?: AbortSignal }): Future<T> {
    const refusal = cancelledIfAborted(options)
    if (refusal !== null) return refusal
    const stock = this.#stock
    if (stock.isEmpty() && !stock.isShutDown) {
      const getter = new Waiter(stock.getting, undefined)
      stock.getters.push(getter)
      return cancelOnAbort(getter, options?.signal)
    }
    if (stock.isEmpty()) return failedFuture(new QueueShutDown())
    if (cancelIsDue()) return deferred(() => this.get(options))
    return completed(stock.take())
  }

  /**
   * Removes and returns the next item without waiting.
   *
   * @throws {QueueEmpty} when the queue is empty
   * @throws {QueueShutDown} when the queue is empty and was shut down
   */
  getNowait(): T {
    const stock = this.#stock
    if (stock.isEmpty()) throw stock.isShutDown ? new QueueShutDown() : new QueueEmpty()
    return stock.take()
  }

  /**
   * Tells the queue that the work on one item is finished. A call of `join` waits until this is so for every item.
   *
   * @throws {RangeError} when called more often than items were added
   */
  taskDone(): void {
    if (this.#stock.unfinished <= 0)
      throw new RangeError('taskDone() was called more often than items were put')
    if (--this.#stock.unfinished === 0) this.#finish()
  }

  /** Waits until `taskDone` was called for every item that was added. */
  join(options?: { signal?: AbortSignal }): Future<void> {
    const refusal = cancelledIfAborted(options)
    if (refusal !== null) return refusal
    if (this.#stock.unfinished > 0) {
      const joiner = new Waiter<void>(null, undefined)
      this.#joiners.push(joiner)
      return cancelOnAbort(joiner, options?.signal)
    }
    if (cancelIsDue()) return deferred(() => this.join(options))
    return completed()
  }

  #finish(): void {
    this.#joiners.endAll(undefined)
  }

  /**
   * Makes the queue refuse new items, and makes `get` fail once the queue is empty. With `immediate`, the remaining
   * items are dropped and count as done. Waiting callers that can no longer succeed fail.
   */
  shutdown(immediate = false): void {
    if (typeof immediate !== 'boolean') {
      throw new TypeError(`immediate must be true or false, got ${describe(immediate)}`)
    }
    const stock = this.#stock
    stock.isShutDown = true
    if (immediate) {
      stock.unfinished = Math.max(0, stock.unfinished - stock.items.size)
      stock.items.clear()
      if (stock.unfinished === 0) this.#finish()
    }
    while (stock.getters.wakeNext());
    while (stock.putters.wakeNext());
  }

  /** Yields items until the queue is shut down and empty. */
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

  /**
   * Returns how many items the queue holds, how many `get`, `put` and `join` calls wait, how many items are not done,
   * and whether the queue was shut down.
   */
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
