import { Future } from '@tasktree/core'
import { cancelOnAbort, describe } from '@tasktree/core/lowlevel'
import { Deque } from './deque.ts'
import { QueueEmpty, QueueFull, QueueShutDown } from './errors.ts'
import { Turn, type TurnKeeper, Waiter, WaitList } from './wait-list.ts'
import { refused, type WaitOptions } from './wait-options.ts'

export interface QueueOptions {
  /** How many items there is room for. @defaultValue 0, no limit */
  readonly maxsize?: number | undefined
}

/** Where a queue keeps its items: this decides which one is next. */
export interface ItemStore<T> {
  readonly size: number
  push(item: T): void
  /** Called only when there is an item. */
  pop(): T
}

interface Offer<T> {
  readonly item: T
}

/**
 * Hands items from those who put to those who get, first in, first out, and makes producers wait when
 * there is no room. An item is in the queue until a getter takes it in its own turn, so a cancelled
 * `get()` leaves it there, in its place.
 *
 * `for await` takes items until the queue is shut down and empty.
 *
 * Source: asyncio.Queue
 */
export class Queue<T> {
  readonly #maxsize: number
  readonly #items: ItemStore<T>
  readonly #getters = new WaitList<Turn<T>>()
  readonly #putters = new WaitList<Turn<void, Offer<T>>>()
  readonly #joiners = new WaitList<Waiter<void>>()
  #unfinished = 0
  #shutDown = false

  readonly #getting: TurnKeeper<T, undefined> = {
    grant: (turn) => this.#grantGet(turn),
    forgo: () => {
      if (!this.empty()) this.#getters.shift()?.wake()
    },
  }

  readonly #putting: TurnKeeper<void, Offer<T>> = {
    grant: (turn) => this.#grantPut(turn),
    forgo: () => {
      if (!this.full()) this.#putters.shift()?.wake()
    },
  }

  constructor(options?: QueueOptions) {
    if (options !== undefined && (typeof options !== 'object' || options === null)) {
      throw new TypeError(`a queue takes options such as { maxsize: 10 }, got ${describe(options)}`)
    }
    const maxsize = options?.maxsize ?? 0
    if (typeof maxsize !== 'number' || Number.isNaN(maxsize)) {
      throw new TypeError(`the option maxsize must be a number, got ${describe(maxsize)}`)
    }
    this.#maxsize = maxsize
    this.#items = this.createStore(options)
  }

  /** Another order is another store. Called once, by the constructor. */
  protected createStore(_options: QueueOptions | undefined): ItemStore<T> {
    return new Deque<T>()
  }

  /** 0 or less: no limit. */
  get maxsize(): number {
    return this.#maxsize
  }

  /** How many items are in the queue. */
  qsize(): number {
    return this.#items.size
  }

  empty(): boolean {
    return this.#items.size === 0
  }

  /** Whether there is no room. Never true without a limit. */
  full(): boolean {
    return this.#maxsize > 0 && this.#items.size >= this.#maxsize
  }

  /**
   * Puts `item` into the queue, waiting in line while it is full. Does not suspend when there is room.
   *
   * @throws {QueueShutDown} (the future fails) when the queue is shut down, also while it waits
   */
  put(item: T, options?: WaitOptions): Future<void> {
    if (options !== undefined) {
      const refusal = refused(options)
      if (refusal !== null) return refusal
    }
    if (this.full() && !this.#shutDown) {
      const turn = new Turn<void, Offer<T>>(this.#putting, { item })
      this.#putters.push(turn)
      return cancelOnAbort(turn, options?.signal)
    }
    const put = new Future<void>()
    this.#settlePut(put, item)
    return put
  }

  /**
   * @throws {QueueFull} when there is no room
   * @throws {QueueShutDown} when the queue is shut down
   */
  putNowait(item: T): void {
    if (this.#shutDown) throw new QueueShutDown()
    if (this.full()) throw new QueueFull()
    this.#items.push(item)
    this.#unfinished++
    this.#getters.shift()?.wake()
  }

  /**
   * Takes the next item, waiting in line while there is none. Does not suspend when there is one.
   *
   * @throws {QueueShutDown} (the future fails) when the queue is shut down and empty, also while it waits
   */
  get(options?: WaitOptions): Future<T> {
    if (options !== undefined) {
      const refusal = refused(options)
      if (refusal !== null) return refusal
    }
    if (this.#items.size === 0 && !this.#shutDown) {
      const turn = new Turn<T>(this.#getting, undefined)
      this.#getters.push(turn)
      return cancelOnAbort(turn, options?.signal)
    }
    const got = new Future<T>()
    this.#settleGet(got)
    return got
  }

  /**
   * @throws {QueueEmpty} when there is no item
   * @throws {QueueShutDown} when the queue is shut down and empty
   */
  getNowait(): T {
    if (this.#items.size === 0) throw this.#shutDown ? new QueueShutDown() : new QueueEmpty()
    const item = this.#items.pop()
    this.#putters.shift()?.wake()
    return item
  }

  /**
   * Says that the work on an item that was taken is done; `join` counts these.
   *
   * @throws {RangeError} when called more often than items were put
   */
  taskDone(): void {
    if (this.#unfinished <= 0) {
      throw new RangeError('taskDone() called too many times: call it once for each item taken')
    }
    this.#unfinished--
    this.#finishIfDone()
  }

  /** Waits until `taskDone` was called for every item that was put. Does not suspend when it was. */
  join(options?: WaitOptions): Future<void> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const joiner = new Waiter<void>()
    if (this.#unfinished === 0) {
      joiner.setResult()
      return joiner
    }
    this.#joiners.push(joiner)
    return cancelOnAbort(joiner, options?.signal)
  }

  /**
   * From now on nothing can be put, and whoever waits to put fails with QueueShutDown. What is in the
   * queue can still be taken; then `get` fails too, and a `for await` ends. With `immediate` the items
   * are dropped, each counted as done.
   *
   * Source: asyncio.Queue.shutdown
   */
  shutdown(immediate = false): void {
    this.#shutDown = true
    if (immediate) {
      while (this.#items.size > 0) {
        this.#items.pop()
        if (this.#unfinished > 0) this.#unfinished--
      }
      this.#finishIfDone()
    }
    for (let turn = this.#getters.shift(); turn !== null; turn = this.#getters.shift()) turn.wake()
    for (let turn = this.#putters.shift(); turn !== null; turn = this.#putters.shift()) turn.wake()
  }

  /** Items, and tasks waiting to get, to put and in `join`; and items taken or not whose work is not done. */
  statistics(): Readonly<{
    size: number
    maxsize: number
    getters: number
    putters: number
    joiners: number
    unfinished: number
  }> {
    return Object.freeze({
      size: this.#items.size,
      maxsize: this.#maxsize,
      getters: this.#getters.size,
      putters: this.#putters.size,
      joiners: this.#joiners.size,
      unfinished: this.#unfinished,
    })
  }

  /** Takes items until the queue is shut down and empty. Calling `taskDone` stays the caller's. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    const next = async (): Promise<IteratorResult<T, undefined>> => {
      try {
        return { done: false, value: await this.get() }
      } catch (error) {
        if (error instanceof QueueShutDown) return { done: true, value: undefined }
        throw error
      }
    }
    return {
      next,
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  #finishIfDone(): void {
    if (this.#unfinished > 0) return
    for (let joiner = this.#joiners.shift(); joiner !== null; joiner = this.#joiners.shift()) {
      joiner.setResult()
    }
  }

  #grantGet(turn: Turn<T>): void {
    if (this.#items.size === 0 && !this.#shutDown) this.#getters.push(turn)
    else this.#settleGet(turn)
  }

  #grantPut(turn: Turn<void, Offer<T>>): void {
    if (this.full() && !this.#shutDown) this.#putters.push(turn)
    else this.#settlePut(turn, turn.asked.item)
  }

  #settleGet(future: Future<T>): void {
    let item: T
    try {
      item = this.getNowait()
    } catch (error) {
      future.setException(error)
      return
    }
    future.setResult(item)
  }

  #settlePut(future: Future<void>, item: T): void {
    try {
      this.putNowait(item)
    } catch (error) {
      future.setException(error)
      return
    }
    future.setResult()
  }
}
