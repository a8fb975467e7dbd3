import { currentTask, type Future, type Task } from '@tasktree/core'
import {
  cancelIsDue,
  cancelOnAbort,
  checkBody,
  checkCount,
  completed,
  deferred,
} from '@tasktree/core/lowlevel'
import { WouldBlock } from './errors.ts'
import { type Awaited, checkNamed, type NameOption, Primitive } from './primitive.ts'
import { cancelledIfAborted } from './cancelled-if-aborted.ts'
import { type Lender, Releaser } from './releaser.ts'
import { runExclusive } from './run-exclusive.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/** The task that calls `acquire`; null if code outside of every task calls it. */
type Asker = Task | null

/**
 * The state of a semaphore: its permits, and the queue of waiters.
 *
 * `release` wakes the first waiter and takes a permit out of `free` for it. From that moment the permit belongs to the
 * woken waiter. When the code of the waiter continues, the waiter either keeps the permit or, if it was cancelled,
 * gives it back.
 */
class Permits implements Host<Releaser, Asker> {
  free: number
  holders = 0
  /** The task that took a permit last, while that permit may still be held; otherwise null. */
  newestHolder: Asker = null
  readonly waiters: WaiterQueue<Releaser, Asker>
  /** How many waiters were given a permit and have not continued yet. No caller may overtake them. */
  woken = 0
  readonly #lender: Lender
  /**
   * The methods that the loop calls for the empty waiters that `leave` makes. Such a waiter stands for no caller, and is
   * not in `waiters`. When the loop comes to it, other waiters are woken for the permits that are free.
   */
  readonly #cancelledTurns: Host<Releaser, Asker> = {
    keepsItsWaiters: true,
    serve: () => this.#wakeAll(),
    pass: () => {},
  }

  constructor(value: number, lender: Lender, awaited: () => Awaited) {
    this.free = value
    this.#lender = lender
    this.waiters = new WaiterQueue(awaited)
  }

  serve(waiter: Waiter<Releaser, Asker>): void {
    this.woken--
    waiter.setResult(this.hold(waiter.ask))
    this.#wakeAll()
  }

  pass(): void {
    this.woken--
    this.free++
    this.#wakeAll()
  }

  take(): Releaser {
    this.free--
    return this.hold(currentTask())
  }

  /**
   * Called when a waiter is cancelled. Just before the cancelled task gets its CancelledError, the semaphore looks for
   * free permits again. A permit that has become free until then goes to a waiter at that moment, as in asyncio.
   */
  leave(waiter: Waiter<Releaser, Asker>): void {
    const loop = waiter.getLoop()
    if (!loop.isClosed()) new Waiter<Releaser, Asker>(this.#cancelledTurns, null, loop).wake()
  }

  hold(task: Asker): Releaser {
    this.holders++
    this.newestHolder = task
    return new Releaser(this.#lender)
  }

  wakeNext(): boolean {
    if (!this.waiters.wakeNext()) return false
    this.free--
    this.woken++
    return true
  }

  #wakeAll(): void {
    while (this.free > 0 && this.wakeNext());
  }
}

/**
 * A fixed number of permits. Waiters are served in order. `release` gives the permit to the first waiter and wakes it.
 * If that waiter was cancelled in the meantime, the permit goes to the next waiter.
 *
 * @example
 *     const downloads = new Semaphore(2)
 *     const get = (page: string) => downloads.runExclusive(() => sleep(5, page)) // two at a time
 *     console.log(await gather(['a', 'b', 'c'].map(get))) // [ 'a', 'b', 'c' ]
 *
 * Source: asyncio.Semaphore. Differs: `acquire` gives a Releaser.
 */
export class Semaphore extends Primitive {
  readonly #permits: Permits

  /** @throws {RangeError} when `value` is neither a whole number of at least 0 nor Infinity */
  constructor(value = 1, options?: NameOption) {
    checkCount("a semaphore's value", value, 0)
    super(checkNamed('a semaphore takes its value and { name }', options)?.name)
    this.#permits = new Permits(value, { takeBack: () => this.release() }, () => this.#awaited())
  }

  /**
   * Waits until a permit is free, takes it, and returns a Releaser. Does not suspend if a permit is free and no other
   * caller waits.
   */
  acquire(options?: { signal?: AbortSignal }): Future<Releaser> {
    const refusal = cancelledIfAborted(options)
    if (refusal !== null) return refusal
    const permits = this.#permits
    if (this.locked()) {
      const waiter = new Waiter<Releaser, Asker>(permits, currentTask())
      permits.waiters.push(waiter)
      return cancelOnAbort(waiter, options?.signal)
    }
    if (cancelIsDue()) return deferred(() => this.acquire(options))
    return completed(permits.take())
  }

  /**
   * Takes a permit if one is free, no waiter is in the queue, and every woken waiter has continued.
   *
   * @throws {WouldBlock} otherwise
   */
  acquireNowait(): Releaser {
    if (this.locked()) throw new WouldBlock('no permit is free', 'acquire()')
    return this.#permits.take()
  }

  /** Gives a permit back. Without an earlier `acquire`, it adds a permit. */
  release(): void {
    const permits = this.#permits
    permits.free++
    // A release without an acquire adds a permit, as in asyncio.
    if (permits.holders > 0 && --permits.holders === 0) permits.newestHolder = null
    permits.wakeNext()
  }

  /** Whether an `acquire` would have to wait. */
  locked(): boolean {
    const { free, waiters, woken } = this.#permits
    return free === 0 || woken > 0 || !waiters.isEmpty()
  }

  /** @internal how many permits are free; BoundedSemaphore compares this number with its bound */
  get free(): number {
    return this.#permits.free
  }

  /** Runs `fn` while a permit is held. Taking a free permit does not suspend the task. */
  runExclusive<T>(fn: () => PromiseLike<T> | T, options?: { signal?: AbortSignal }): Promise<T> {
    checkBody('runExclusive', fn)
    return runExclusive(this.acquire(options), fn)
  }

  #awaited(): Awaited {
    const { free, holders, newestHolder: next } = this.#permits
    const last = next === null ? '' : `, the last one by task '${next.name}'`
    return {
      of: this,
      state: `${holders} of whose permits are held`,
      note: `${holders} of ${holders + free} permits held${last}`,
      next,
    }
  }

  /** Returns how many permits are free, how many are held, and how many waiters there are. */
  override statistics(): {
    readonly value: number
    readonly holders: number
    readonly waiters: number
  } {
    const { free, holders, waiters, woken } = this.#permits
    return Object.freeze({ value: free, holders, waiters: waiters.size + woken })
  }
}
