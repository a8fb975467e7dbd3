import { Future } from '@tasktree/core'
import { cancelOnAbort, describe } from '@tasktree/core/lowlevel'
import { QueueEmpty, QueueFull, QueueShutDown } from './errors.ts'
import { Fifo, type Items } from './items.ts'
import { Line } from './line.ts'
import { refused } from './refused.ts'
import { Waiter, WaiterQueue } from './waiter-queue.ts'
import { endAll, Waiting } from './waiting.ts'

/** A turn of `get` or `put`: `attempt` settles it, or says that it must wait on; `passOn` wakes the next. */
class Turn<T> extends Waiter<T> {
  readonly #attempt: (turn: Turn<T>) => boolean
  readonly #passOn: () => void
  readonly #queue: WaiterQueue<T>

  constructor(queue: WaiterQueue<T>, attempt: (turn: Turn<T>) => boolean, passOn: () => void) {
    super()
    this.#queue = queue
    this.#attempt = attempt
    this.#passOn = passOn
    queue.push(this)
  }

  protected override claim(): void {
    if (!this.#attempt(this)) this.#queue.push(this)
  }

  protected override decline(): void {
    this.#passOn()
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
  readonly #items: Items<T>
  readonly #getters = new WaiterQueue<T>()
  readonly #putters = new WaiterQueue<void>()
  readonly #joiners = new Line<Waiting<void>>()
  #unfinished = 0
  #isShutDown = false

  /** `maxsize` 0 or less: no limit. */
  constructor(options?: { maxsize?: number }, items: Items<T> = new Fifo<T>()) {
    const maxsize = options?.maxsize ?? 0
    if (typeof maxsize !== 'number' || Number.isNaN(maxsize)) {
      throw new TypeError(`maxsize must be a number, got ${describe(maxsize)}`)
    }
    this.maxsize = maxsize
    this.#items = items
  }

  qsize(): number {
    return this.#items.size
  }

  empty(): boolean {
    return this.#items.size === 0
  }

  /** Whether it holds `maxsize` items; never when there is no limit. */
  full(): boolean {
    return this.maxsize > 0 && this.#items.size >= this.maxsize
  }

  /** Ends when the item is in the queue; fails with QueueShutDown when the queue is, or is being, shut down. */
  put(item: T, options?: { signal?: AbortSignal }): Future<void> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const attempt = (future: Future<void>): boolean => {
      if (this.#isShutDown) future.setException(new QueueShutDown())
      else if (this.full()) return false
      else {
        this.#store(item)
        future.setResult()
      }
      return true
    }
    const now = new Future<void>()
    if (attempt(now)) return now
    const passOn = (): void => {
      if (!this.full()) this.#putters.wakeNext()
    }
    return cancelOnAbort(new Turn(this.#putters, attempt, passOn), options?.signal)
  }

  /**
   * @throws {QueueFull} when it is full
   * @throws {QueueShutDown} when it was shut down
   */
  putNowait(item: T): void {
    if (this.#isShutDown) throw new QueueShutDown()
    if (this.full()) throw new QueueFull(this.maxsize)
    this.#store(item)
  }

  #store(item: T): void {
    this.#items.push(item)
    this.#unfinished++
    this.#getters.wakeNext()
  }

  /** Ends with the next item; fails with QueueShutDown when the queue is empty and shut down. */
  get(options?: { signal?: AbortSignal }): Future<T> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const now = new Future<T>()
    if (this.#attemptGet(now)) return now
    return cancelOnAbort(
      new Turn(this.#getters, this.#attemptGet, this.#passItemOn),
      options?.signal,
    )
  }

  readonly #attemptGet = (future: Future<T>): boolean => {
    if (!this.empty()) future.setResult(this.#take())
    else if (this.#isShutDown) future.setException(new QueueShutDown())
    else return false
    return true
  }

  readonly #passItemOn = (): void => {
    if (!this.empty()) this.#getters.wakeNext()
  }

  /**
   * @throws {QueueEmpty} when it is empty
   * @throws {QueueShutDown} when it is empty and was shut down
   */
  getNowait(): T {
    if (this.empty()) throw this.#isShutDown ? new QueueShutDown() : new QueueEmpty()
    return this.#take()
  }

  #take(): T {
    const item = this.#items.pop()
    this.#putters.wakeNext()
    return item
  }

  /** Says that one item that was got has been dealt with. @throws {RangeError} when called more often than items were put */
  taskDone(): void {
    if (this.#unfinished <= 0)
      throw new RangeError('taskDone() was called more often than items were put')
    if (--this.#unfinished === 0) this.#finish()
  }

  /** Ends when every item that was put has been dealt with, by `taskDone`. */
  join(options?: { signal?: AbortSignal }): Future<void> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    if (this.#unfinished > 0) return cancelOnAbort(new Waiting(this.#joiners), options?.signal)
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
    this.#isShutDown = true
    if (immediate) {
      while (!this.empty()) {
        this.#items.pop()
        if (this.#unfinished > 0) this.#unfinished--
      }
      if (this.#unfinished === 0) this.#finish()
    }
    while (this.#getters.wakeNext());
    while (this.#putters.wakeNext());
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
    return Object.freeze({
      size: this.qsize(),
      maxsize: this.maxsize,
      getters: this.#getters.size,
      putters: this.#putters.size,
      joiners: this.#joiners.size,
      unfinished: this.#unfinished,
      isShutDown: this.#isShutDown,
    })
  }
}
