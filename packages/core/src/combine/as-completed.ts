import { checkDelay, checkOptions, describe, isIterable } from '../arguments.ts'
import { Claim } from '../futures/claim.ts'
import { type Awaitable } from '../tasks/coroutine.ts'
import { getEventLoop } from '../context/current.ts'
import { TimeoutError } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'
import { ensureFutures, type Result } from './gather.ts'
import type { TimerHandle } from '../loop/handle.ts'
import type { Reaction } from '../futures/reaction.ts'

/**
 * The future that one step of a loop over `asCompleted` awaits. It gets the outcome of the first completed future that
 * no earlier step has taken. If the step has to wait, it takes the outcome only when the event loop resumes the waiting
 * code. If the waiting code is cancelled before, the outcome is left to the next waiter.
 */
class Next<T> extends Claim<T> {
  readonly #source: Completions<T>

  constructor(source: Completions<T>) {
    super()
    this.#source = source
    if (source.hasResult()) this.claim()
    else source.enqueue(this)
  }

  override describeWait(): string {
    return `the next of ${this.#source.pending} that are not done (asCompleted)`
  }

  protected override claim(): void {
    const completed = this.#source.take()
    if (completed === undefined) this.#source.enqueue(this)
    else if (completed === null)
      this.fail(new TimeoutError('not all were done within the time allowed'))
    else if (completed.cancelled()) this.endCancelled(completed.cancelledError())
    else if (completed.exception() !== null) this.fail(completed.exception())
    else this.fulfill(completed.result())
  }

  protected override decline(): void {
    this.#source.wakeNext()
  }
}

/**
 * The iteration that `asCompleted` returns. It has two lists: the completed futures that no waiter has taken yet, and
 * the waiters (each a `Next`, a future that gets the outcome of the next completed future). Each list is an array and
 * the index of its first entry that is still in use. `shift()` is not called, because its cost grows with the length of
 * the array.
 */
class Completions<T> implements AsyncIterable<T>, Iterable<Future<T>> {
  /** The futures that are not done, and, while `#isWatching`, the callback of each. */
  readonly #pending = new Map<Future<T>, Reaction | null>()
  /**
   * The completed futures, in the order in which they ended. An entry is null for a future that had not ended when the
   * timeout came. An entry is undefined after a waiter has taken the future.
   */
  readonly #completed: (Future<T> | null | undefined)[] = []
  #firstResult = 0
  /**
   * The waiters, in the order in which they will be woken. An entry is undefined after its waiter was woken. A
   * cancelled waiter stays in the list, and `wakeNext` passes over it.
   */
  readonly #waiters: (Next<T> | undefined)[] = []
  #firstWaiter = 0
  #left: number
  readonly #loop = getEventLoop()
  readonly #deadline: number | null
  #timer: TimerHandle | null = null
  #isWatching = false

  constructor(futures: Iterable<Future<T>>, timeout: number | null) {
    for (const future of futures) this.#pending.set(future, null)
    this.#left = this.#pending.size
    this.#deadline = timeout === null ? null : this.#loop.time() + timeout
    this.#watch()
  }

  /** Adds the callbacks of the pending futures and the timer, unless they are there already. */
  #watch(): void {
    if (this.#isWatching || this.#pending.size === 0) return
    this.#isWatching = true
    for (const future of this.#pending.keys()) {
      this.#pending.set(
        future,
        future.onDone(() => this.#ended(future)),
      )
    }
    if (this.#deadline === null) return
    this.#timer = this.#loop.callAt(this.#deadline, () => this.#timedOut())
  }

  /**
   * Removes the callbacks and the timer, so that they do not stay for ever if no code continues the iteration. The next
   * call of `enqueue` adds them again. Does nothing while code waits for the next outcome.
   */
  #unwatch(): void {
    if (this.#waiters.slice(this.#firstWaiter).some((waiter) => waiter?.done() === false)) return
    this.#isWatching = false
    this.#timer?.cancel()
    for (const [future, reaction] of this.#pending) {
      if (reaction !== null) future.removeReaction(reaction)
    }
  }

  /** The number of futures in this iteration that are not done yet. */
  get pending(): number {
    return this.#pending.size
  }

  #ended(future: Future<T>): void {
    // The callback of a future that has ended can no longer be removed. So it is also called if the timeout has come
    // since, and twice if `#unwatch` and `#watch` were called since.
    if (!this.#pending.delete(future)) return
    this.#completed.push(future)
    if (this.#pending.size === 0) this.#timer?.cancel()
    this.wakeNext()
  }

  #timedOut(): void {
    for (const [future, reaction] of this.#pending) {
      if (reaction !== null) future.removeReaction(reaction)
      this.#completed.push(null)
      this.wakeNext()
    }
    this.#pending.clear()
  }

  hasResult(): boolean {
    return this.#firstResult < this.#completed.length
  }

  take(): Future<T> | null | undefined {
    if (!this.hasResult()) return undefined
    const completed = this.#completed[this.#firstResult]
    this.#completed[this.#firstResult++] = undefined
    return completed
  }

  enqueue(waiter: Next<T>): void {
    this.#waiters.push(waiter)
    this.#watch()
  }

  wakeNext(): void {
    if (!this.hasResult()) return
    while (this.#firstWaiter < this.#waiters.length) {
      const waiter = this.#waiters[this.#firstWaiter]
      this.#waiters[this.#firstWaiter++] = undefined
      if (waiter?.wake() === true) return
    }
  }

  *[Symbol.iterator](): Generator<Future<T>, void, undefined> {
    while (this.#left > 0) {
      this.#left--
      yield new Next(this)
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (const next of this) yield await next
    } finally {
      this.#unwatch()
    }
  }
}

/**
 * Starts all awaitables, and iterates over their outcomes in the order in which the awaitables complete. `for await`
 * gives results, and throws the error of an awaitable that has failed. A plain `for` gives futures: the first future
 * gets the outcome of the awaitable that completes first, the second future the outcome of the next, and so on. If not
 * all have completed after `timeout` milliseconds, `for await` gives those that have, and then throws a TimeoutError;
 * each further future of a plain `for` fails with a TimeoutError. No awaitable is cancelled. A second loop goes on
 * where the first was left.
 *
 * @throws {TypeError} when `aws` is not an iterable of awaitables, and when `timeout` is NaN
 *
 * @example
 *     const pages = ['slow', 'fast'].map((name) => sleep(name === 'slow' ? 20 : 1, name))
 *     for await (const page of asCompleted(pages)) console.log(page) // fast, then slow
 *
 * Source: asyncio.as_completed. Differs: `for await` gives results, not tasks.
 */
export function asCompleted<T>(
  aws: Iterable<Awaitable<T>>,
  options?: { timeout?: number | null },
): AsyncIterable<T> & Iterable<Future<T>>
/** The overload for awaitables whose results have several types. */
export function asCompleted<A extends Awaitable<unknown>, R extends Result<A>>(
  aws: Iterable<A>,
  options?: { timeout?: number | null },
): AsyncIterable<R> & Iterable<Future<R>>
export function asCompleted(
  aws: Iterable<Awaitable<unknown>>,
  options?: { timeout?: number | null },
): AsyncIterable<unknown> & Iterable<Future<unknown>> {
  if (!isIterable(aws)) {
    throw new TypeError(`asCompleted takes an iterable of awaitables, got ${describe(aws)}`)
  }
  checkOptions(options)
  const timeout = options?.timeout ?? null
  const limit = timeout === null ? null : checkDelay(timeout)
  return new Completions(new Set(ensureFutures([...aws])), limit)
}
