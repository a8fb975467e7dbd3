import { type CancelledError, Future, type Task } from '@tasktree/core'

/**
 * Lets one call run at a time for each key, in the order of the calls. `latest`, `exhaust` and `queued` use it.
 *
 * Each call that waits has a future. The call gets its turn when that future gets its result. If the call is cancelled
 * in the same turn of the loop, its `await` throws although the future has a result, and the call passes its turn on to
 * the next call in line. So a turn is never lost.
 */
export class KeyedMutex {
  readonly #lines = new Map<unknown, Line>()

  isBusy(key: unknown): boolean {
    return this.#lines.has(key)
  }

  /**
   * Waits until it is the turn of the caller, runs `body`, and then passes the turn on. `body` gets the line of its
   * key, with the calls that wait behind the caller.
   */
  async runExclusive<T>(key: unknown, body: (line: Line) => PromiseLike<T>): Promise<T> {
    let line = this.#lines.get(key)
    if (line === undefined) {
      line = new Line()
      this.#lines.set(key, line)
    } else await this.#wait(key, line)
    try {
      return await body(line)
    } finally {
      this.#passOn(key, line)
    }
  }

  /** Cancels the call with this key that runs now, and all calls with this key that wait. */
  cancelAll(key: unknown, reason: CancelledError): void {
    const line = this.#lines.get(key)
    if (line === undefined) return
    line.cancelRunning(reason)
    line.cancelWaiters(reason)
  }

  async #wait(key: unknown, line: Line): Promise<void> {
    const waiter = new Future<void>()
    line.waiters.add(waiter)
    try {
      await waiter
    } catch (error) {
      line.waiters.delete(waiter)
      if (!waiter.cancelled()) this.#passOn(key, line)
      throw error
    }
  }

  #passOn(key: unknown, line: Line): void {
    line.turnEnded()
    for (let next = line.next(); next !== null; next = line.next()) {
      // This waiter was cancelled, or its loop was closed, so its code will never run. The next waiter gets the turn.
      if (next.done() || next.getLoop().isClosed()) continue
      next.setResult()
      return
    }
    this.#lines.delete(key)
  }
}

/** The calls with one key: the call that runs now, and the calls that wait for their turn. */
export class Line {
  /** The task of the call that runs now; null until the call has made its task. */
  #running: Task | null = null
  /**
   * The reason why the call that runs now must be cancelled. If the call has no task yet, it is cancelled as soon as it
   * has one. Null if it must not be cancelled.
   */
  #reason: CancelledError | null = null
  waiters: Set<Future<void>> = new Set()
  /**
   * The iterator over `waiters`, kept from one call of `next` to the following one. A new iterator would first have to
   * step over all waiters that were deleted since the set last grew.
   */
  #iterator: SetIterator<Future<void>> | null = null

  /** Called when the call that runs now has made its task. */
  runs(task: Task): void {
    if (this.#reason === null) this.#running = task
    else task.cancel(this.#reason)
  }

  /** Cancels the call that runs now. A second call of this method does nothing. */
  cancelRunning(reason: CancelledError): void {
    if (this.#reason !== null) return
    this.#reason = reason
    this.#running?.cancel(reason)
  }

  /**
   * Cancels the calls that wait, and removes them from the line at once. If each stayed until its code resumes, each of
   * many calls in one turn would step over all calls before it.
   */
  cancelWaiters(reason: CancelledError): void {
    const { waiters } = this
    this.waiters = new Set()
    this.#iterator = null
    for (const waiter of waiters) waiter.cancel(reason)
  }

  /** Throws the reason of `cancelRunning` if the call that runs now was cancelled. */
  throwIfCancelled(): void {
    if (this.#reason !== null) throw this.#reason
  }

  turnEnded(): void {
    this.#running = null
    this.#reason = null
  }

  /** Removes the first waiter from the line and returns it; null if no call waits. */
  next(): Future<void> | null {
    this.#iterator ??= this.waiters.values()
    const { value } = this.#iterator.next()
    if (value !== undefined) {
      this.waiters.delete(value)
      return value
    }
    // This iterator has reached the end and cannot give waiters that are added later, so the next call makes a new one.
    this.#iterator = null
    return this.waiters.size === 0 ? null : this.next()
  }
}
