import { currentTask, type Future, RuntimeError, type Task } from '@tasktree/core'
import {
  cancelIsDue,
  cancelOnAbort,
  checkBody,
  completed,
  deferred,
  durationText,
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
 * The state of a lock: its holder, and the queue of waiters.
 *
 * `release` wakes the first waiter, which stays in the queue until its code continues. Only then does the waiter take
 * the lock. In between, the lock has no holder, but no other caller can take it, because the queue is not empty. So no
 * caller overtakes the waiter, and if the waiter is cancelled in between, the lock is not lost, because the waiter did
 * not have it yet.
 */
class Possession implements Lender, Host<Releaser, Asker> {
  holder: Releaser | null = null
  /** The task that holds the lock, for the task tree; null if code outside of every task holds it. */
  holdingTask: Asker = null
  /** When the lock was taken, in milliseconds of the clock of `holdingTask`'s loop. Null unless that loop is in debug mode. */
  heldSince: number | null = null
  readonly waiters: WaiterQueue<Releaser, Asker>
  /** How many entries of the queue stand for a waiter that was cancelled. */
  #leaving = 0
  /**
   * The methods that the loop calls for the empty entries that stand in the queue in place of cancelled waiters (see
   * `leave`). When the loop comes to such an entry, or the loop is closed, the entry leaves the queue, and the next
   * waiter is woken if the lock has no holder.
   */
  readonly #places: Host<Releaser, Asker> = {
    keepsItsWaiters: true,
    serve: (place) => this.#leavePlace(place),
    pass: (place) => this.#leavePlace(place),
    forget: () => {
      this.#leaving--
    },
  }

  constructor(awaited: () => Awaited) {
    this.waiters = new WaiterQueue(awaited)
  }

  /**
   * Whether the lock has no holder, and no waiter was woken for it or is in the queue. The entries that stand for
   * cancelled waiters do not count.
   */
  isFree(): boolean {
    return this.holder === null && (this.waiters.isEmpty() || this.waiting === 0)
  }

  take(task: Asker): Releaser {
    this.holdingTask = task
    const loop = task?.getLoop()
    this.heldSince = loop?.getDebug() === true ? loop.time() : null
    return (this.holder = new Releaser(this))
  }

  takeBack(held: Releaser): void {
    if (this.holder === held) this.giveUp()
  }

  giveUp(): void {
    this.holder = null
    this.holdingTask = null
    this.waiters.first()?.wake()
  }

  /** How many waiters are in the queue. */
  get waiting(): number {
    return this.waiters.size - this.#leaving
  }

  serve(waiter: Waiter<Releaser, Asker>): void {
    this.waiters.remove(waiter)
    waiter.setResult(this.take(waiter.ask))
  }

  pass(waiter: Waiter<Releaser, Asker>): void {
    this.waiters.remove(waiter)
    if (this.holder === null) this.waiters.first()?.wake()
  }

  /**
   * Puts an empty entry in the place of a cancelled waiter. The entry leaves the queue just before the cancelled task
   * gets its CancelledError. If `release` is called before that, it finds this entry first and wakes no waiter; the
   * entry then wakes the next waiter. So the next waiter continues in the same round of the loop as in asyncio.
   */
  leave(waiter: Waiter<Releaser, Asker>): void {
    const loop = waiter.getLoop()
    if (loop.isClosed()) return
    const place = new Waiter<Releaser, Asker>(this.#places, null, loop)
    this.waiters.replace(waiter, place)
    this.#leaving++
    place.wake()
  }

  #leavePlace(place: Waiter<Releaser, Asker>): void {
    // When a loop is closed, `first()` may have removed the place already.
    if (!this.waiters.has(place)) return
    this.#leaving--
    this.pass(place)
  }
}

/**
 * A lock with at most one holder. Waiters are served in order: `release` wakes the first waiter, and no other caller
 * can overtake it. If a waiter is cancelled, even after it was woken, the next waiter is served.
 *
 * @example
 *     const lock = new Lock({ name: 'file' })
 *     const append = (line: string) =>
 *       lock.runExclusive(async () => {
 *         await sleep(1)
 *         console.log(line) // one, then two
 *       })
 *     await gather([append('one'), append('two')])
 *
 * Source: asyncio.Lock. Differs: `acquire` gives a Releaser.
 */
export class Lock extends Primitive {
  readonly #possession: Possession

  constructor(options?: NameOption) {
    super(checkNamed('a Lock takes { name }', options)?.name)
    this.#possession = new Possession(() => this.#awaited())
  }

  /** Waits until the lock is free, takes it, and returns a Releaser. A free lock is taken without suspending. */
  acquire(options?: { signal?: AbortSignal }): Future<Releaser> {
    const refusal = cancelledIfAborted(options)
    if (refusal !== null) return refusal
    const possession = this.#possession
    if (!possession.isFree()) {
      const waiter = new Waiter<Releaser, Asker>(possession, currentTask())
      possession.waiters.push(waiter)
      return cancelOnAbort(waiter, options?.signal)
    }
    if (cancelIsDue()) return deferred(() => this.acquire(options))
    return completed(possession.take(currentTask()))
  }

  /** Takes the lock if it is free and no waiter is in the queue. @throws {WouldBlock} otherwise */
  acquireNowait(): Releaser {
    if (!this.#possession.isFree()) throw new WouldBlock('the lock is not free', 'acquire()')
    return this.#possession.take(currentTask())
  }

  /** Releases the lock, no matter which task holds it. @throws {RuntimeError} when the lock is not locked */
  release(): void {
    if (!this.locked()) {
      throw new RuntimeError(`${this.label()} is not locked: release() needs an acquire()`)
    }
    this.#possession.giveUp()
  }

  /** @internal the Releaser of the current holder; Condition releases the lock and later restores this Releaser */
  get holder(): Releaser | null {
    return this.#possession.holder
  }

  /**
   * @internal called when Condition has acquired the lock again: makes `holder`, the Releaser from before the wait, the
   * holder again. If code has released `holder` during the wait, for example after a `Promise.race`, no code would
   * release the lock later, so it is released at once.
   */
  restore(holder: Releaser): void {
    this.#possession.holder = holder
    if (holder.isReleased) this.#possession.giveUp()
  }

  locked(): boolean {
    return this.#possession.holder !== null
  }

  /** Runs `fn` while the lock is held. Acquiring a free lock does not suspend the task. */
  runExclusive<T>(fn: () => PromiseLike<T> | T, options?: { signal?: AbortSignal }): Promise<T> {
    checkBody('runExclusive', fn)
    return runExclusive(this.acquire(options), fn)
  }

  /** Returns whether the lock is held, the number of its holders (1 or 0), and how many waiters there are. */
  override statistics(): {
    readonly locked: boolean
    readonly holders: number
    readonly waiters: number
  } {
    const locked = this.locked()
    return Object.freeze({
      locked,
      holders: locked ? 1 : 0,
      waiters: this.#possession.waiting,
    })
  }

  #awaited(): Awaited {
    if (!this.locked()) {
      return { of: this, state: 'which is being handed over', note: 'being handed over' }
    }
    const { holdingTask: task, heldSince } = this.#possession
    if (task === null) return { of: this, state: 'held by plain code' }
    const since =
      heldSince === null ? '' : ` for ${durationText(task.getLoop().time() - heldSince)}`
    return {
      of: this,
      state: `held by ${task.name}`,
      note: `held by task '${task.name}'${since}`,
      next: task,
    }
  }
}
