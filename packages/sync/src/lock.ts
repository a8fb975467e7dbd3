import { currentTask, type Future, RuntimeError, type Task } from '@tasktree/core'
import { cancelOnAbort, checkBody, completed, durationText } from '@tasktree/core/lowlevel'
import { WouldBlock } from './errors.ts'
import { type Awaited, checkNamed, type NameOption, Primitive } from './primitive.ts'
import { refused } from './refused.ts'
import { type Lender, Releaser } from './releaser.ts'
import { runExclusive } from './run-exclusive.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/** The task that asks for the lock, or null for plain code. */
type Asker = Task | null

/**
 * The state of a lock: its holder, and the waiters in line.
 *
 * `release` wakes the first waiter, which keeps its place in line until its own turn of the loop. In that turn it takes
 * the lock. In between nobody holds the lock and nobody can take it, since the line is not empty: so nobody overtakes the
 * waiter, and a cancel in the same turn cannot lose the lock, because no one had it yet.
 */
class Possession implements Lender, Host<Releaser, Asker> {
  holder: Releaser | null = null
  /** The task that took the lock, for the task tree. */
  holdingTask: Asker = null
  /** Since when, in debug mode; milliseconds of the loop of `holdingTask`. */
  heldSince: number | null = null
  readonly waiters: WaiterQueue<Releaser, Asker>
  /** How many members of the line stand for a waiter that was cancelled. */
  #leaving = 0
  /** Takes the turn of a place whose waiter was cancelled. */
  readonly #places: Host<Releaser, Asker> = {
    serve: (place) => {
      this.#leaving--
      this.pass(place)
    },
    pass: () => {},
    forget: () => {
      this.#leaving--
    },
  }

  constructor(awaited: () => Awaited) {
    this.waiters = new WaiterQueue(awaited)
  }

  /** Whether nobody holds the lock, and nobody was woken to take it or stands in line. */
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

  /** How many wait. */
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
   * A cancelled waiter leaves a place behind until the turn in which its task learns of the cancel. A `release` in
   * between therefore wakes the next waiter in the same round of the loop as asyncio does.
   */
  leave(waiter: Waiter<Releaser, Asker>): void {
    const loop = waiter.getLoop()
    if (loop.isClosed()) return
    const place = new Waiter<Releaser, Asker>(this.#places, null, loop)
    this.waiters.replace(waiter, place)
    this.#leaving++
    place.wake()
  }
}

/**
 * Mutual exclusion, first come, first served: `release` wakes the first waiter, and nobody overtakes it. A waiter that is
 * cancelled, at any moment, leaves its place to the next.
 *
 * Source: asyncio.Lock. Differs: `acquire` gives a Releaser.
 */
export class Lock extends Primitive {
  readonly #possession: Possession

  constructor(options?: NameOption) {
    super(checkNamed('a Lock takes { name }', options)?.name)
    this.#possession = new Possession(() => this.#awaited())
  }

  /** Ends when the lock is held. A free lock is taken at once. */
  acquire(options?: { signal?: AbortSignal }): Future<Releaser> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const possession = this.#possession
    if (!possession.isFree()) {
      const waiter = new Waiter<Releaser, Asker>(possession, currentTask())
      possession.waiters.push(waiter)
      return cancelOnAbort(waiter, options?.signal)
    }
    return completed(possession.take(currentTask()))
  }

  /** Takes the lock if it is free and nobody is in line. @throws {WouldBlock} otherwise */
  acquireNowait(): Releaser {
    if (!this.#possession.isFree()) throw new WouldBlock('the lock is not free', 'acquire()')
    return this.#possession.take(currentTask())
  }

  /** @throws {RuntimeError} when the lock is not locked */
  release(): void {
    if (!this.locked()) {
      throw new RuntimeError(`${this.label()} is not locked: release() needs an acquire()`)
    }
    this.#possession.giveUp()
  }

  /** @internal for Condition, which gives a hold up and takes it back */
  get holder(): Releaser | null {
    return this.#possession.holder
  }

  /**
   * @internal makes `holder` the holder again after Condition has taken the lock back. If its block has ended meanwhile,
   * as after a `Promise.race`, nobody is left to release it, so the lock is released at once.
   */
  restore(holder: Releaser): void {
    this.#possession.holder = holder
    if (holder.isReleased) this.#possession.giveUp()
  }

  locked(): boolean {
    return this.#possession.holder !== null
  }

  /** Runs `fn` while the lock is held. Does not suspend to take a free lock. */
  runExclusive<T>(fn: () => PromiseLike<T> | T, options?: { signal?: AbortSignal }): Promise<T> {
    checkBody('runExclusive', fn)
    return runExclusive(this.acquire(options), fn)
  }

  /** Whether the lock is held, by how many (1 or 0), and how many wait for it. */
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
