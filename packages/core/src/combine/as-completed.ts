import { checkDelay, checkOptions, describe, isIterable } from '../arguments.ts'
import { Claim } from '../futures/claim.ts'
import { type Awaitable } from '../tasks/coroutine.ts'
import { getEventLoop } from '../context/current.ts'
import { type CancelledError, TimeoutError } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'
import { ensureFutures } from './gather.ts'
import type { TimerHandle } from '../loop/handle.ts'
import type { Reaction } from '../futures/reaction.ts'

/** The next one to complete, taken in its waiter's turn: a cancelled waiter leaves it to the next. */
class Next<T> extends Claim<T> {
  readonly #source: Completions<T>

  constructor(source: Completions<T>) {
    super()
    this.#source = source
    if (source.hasResult()) this.claim()
    else source.enqueue(this)
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

  override cancel(msg?: string | CancelledError): boolean {
    const accepted = super.cancel(msg)
    if (accepted) this.#source.dequeue(this)
    return accepted
  }
}

class Completions<T> implements AsyncIterable<T>, Iterable<Future<T>> {
  readonly #pending = new Map<Future<T>, Reaction>()
  /** Done and not yet taken; null stands for one that the timeout cut off. */
  readonly #completed: (Future<T> | null)[] = []
  readonly #waiters = new Set<Next<T>>()
  #left: number
  readonly #timer: TimerHandle | null

  constructor(futures: Iterable<Future<T>>, timeout: number | null) {
    for (const future of futures)
      this.#pending.set(
        future,
        future.onDone(() => this.#ended(future)),
      )
    this.#left = this.#pending.size
    this.#timer =
      timeout === null || this.#left === 0
        ? null
        : getEventLoop().callLater(timeout, () => {
            this.#timedOut()
          })
  }

  #ended(future: Future<T>): void {
    this.#pending.delete(future)
    this.#completed.push(future)
    if (this.#pending.size === 0) this.#timer?.cancel()
    this.wakeNext()
  }

  #timedOut(): void {
    for (const [future, reaction] of this.#pending) {
      future.removeReaction(reaction)
      this.#completed.push(null)
      this.wakeNext()
    }
    this.#pending.clear()
  }

  hasResult(): boolean {
    return this.#completed.length > 0
  }

  take(): Future<T> | null | undefined {
    return this.#completed.shift()
  }

  enqueue(waiter: Next<T>): void {
    this.#waiters.add(waiter)
  }

  dequeue(waiter: Next<T>): void {
    this.#waiters.delete(waiter)
  }

  wakeNext(): void {
    if (this.#completed.length === 0) return
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter)
      if (waiter.wake()) return
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
      this.#timer?.cancel()
      for (const [future, reaction] of this.#pending) future.removeReaction(reaction)
      this.#pending.clear()
    }
  }
}

/**
 * Starts all, and gives them in the order in which they complete: `for await` gives results, a plain
 * `for` gives futures, each of which ends as the next one to complete does. After `timeout`
 * milliseconds each one that is left throws TimeoutError. Nothing is cancelled.
 *
 * @throws {TypeError} when `aws` is not an iterable of what can be awaited, and when `timeout` is NaN
 *
 * Source: asyncio.as_completed. Differs: `for await` gives results, not tasks.
 */
export function asCompleted<T>(
  aws: Iterable<Awaitable<T>>,
  options?: { timeout?: number | null },
): AsyncIterable<T> & Iterable<Future<T>> {
  if (!isIterable(aws)) {
    throw new TypeError(`asCompleted takes an iterable of awaitables, got ${describe(aws)}`)
  }
  checkOptions(options)
  const timeout = options?.timeout ?? null
  const limit = timeout === null ? null : checkDelay(timeout)
  const all = [...aws]
  return new Completions<T>(new Set(ensureFutures(all)), limit)
}
