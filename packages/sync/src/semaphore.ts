import { currentTask, type Future, type Task } from '@tasktree/core'
import { cancelOnAbort, checkBody, checkCount, completed } from '@tasktree/core/lowlevel'
import { WouldBlock } from './errors.ts'
import { type Awaited, checkNamed, type NameOption, Primitive } from './primitive.ts'
import { refused } from './refused.ts'
import { type Lender, Releaser } from './releaser.ts'
import { runExclusive } from './run-exclusive.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/** The task that asks for a permit, or null for plain code. */
type Asker = Task | null

/**
 * The state of a semaphore: its permits, and the waiters in line.
 *
 * `release` wakes the first waiter and takes a permit out of `free` for it. From that moment the permit belongs to the
 * woken waiter. In its own turn of the loop the waiter either takes it, or, if it was cancelled, puts it back.
 */
class Permits implements Host<Releaser, Asker> {
  free: number
  holders = 0
  /** The task that took a permit last and whose permit may still be held. */
  newestHolder: Asker = null
  readonly waiters: WaiterQueue<Releaser, Asker>
  /** How many waiters have a permit and have not run yet. Nobody may overtake them. */
  woken = 0
  readonly #lender: Lender
  /** Takes the turn of a waiter that was cancelled. */
  readonly #cancelledTurns: Host<Releaser, Asker> = {
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
   * A permit that became free meanwhile is handed on in the turn in which the cancelled task learns of its cancel, as
   * asyncio does.
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
 * A number of permits, first come, first served. A permit belongs to the waiter that `release` woke from that moment on.
 * If that waiter turns out to be cancelled, the permit passes to the next one.
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

  /** Ends when a permit is held; at once if one is free. */
  acquire(options?: { signal?: AbortSignal }): Future<Releaser> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const permits = this.#permits
    if (this.locked()) {
      const waiter = new Waiter<Releaser, Asker>(permits, currentTask())
      permits.waiters.push(waiter)
      return cancelOnAbort(waiter, options?.signal)
    }
    return completed(permits.take())
  }

  /** Takes a permit if one is free and nobody is in line. @throws {WouldBlock} otherwise */
  acquireNowait(): Releaser {
    if (this.locked()) throw new WouldBlock('no permit is free', 'acquire()')
    return this.#permits.take()
  }

  /** Gives a permit back, or adds one. */
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

  /** @internal for BoundedSemaphore */
  get free(): number {
    return this.#permits.free
  }

  /** Runs `fn` while a permit is held. Does not suspend to take a free one. */
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

  /** How many permits are free and how many are held, and how many wait. */
  override statistics(): {
    readonly value: number
    readonly holders: number
    readonly waiters: number
  } {
    const { free, holders, waiters, woken } = this.#permits
    return Object.freeze({ value: free, holders, waiters: waiters.size + woken })
  }
}
