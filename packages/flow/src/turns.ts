import { type CancelledError, Future, type Task } from '@tasktree/core'

/**
 * One call at a time for each key, first come, first served. `latest`, `exhaust` and `queued` use it.
 *
 * A turn is given by setting the result of the waiter's future. If the waiter is cancelled in the same turn of the loop,
 * its `await` throws although the future has a result, and the waiter passes the turn on. So a turn is never lost.
 */
export class Turns {
  readonly #lines = new Map<unknown, Line>()

  isBusy(key: unknown): boolean {
    return this.#lines.has(key)
  }

  /** Waits for the turn of the caller, runs `body`, and gives the turn to the next in line. `body` is given its place in the line. */
  async take<T>(key: unknown, body: (line: Line) => PromiseLike<T>): Promise<T> {
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

  /** Cancels the call that has the turn, and the calls that wait for it. */
  cancelAll(key: unknown, reason: CancelledError): void {
    const line = this.#lines.get(key)
    if (line === undefined) return
    line.cancelRunning(reason)
    for (const waiter of line.waiters) waiter.cancel(reason)
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
      // A waiter that was cancelled does not take its turn.
      if (next.done()) continue
      next.setResult()
      return
    }
    this.#lines.delete(key)
  }
}

/** The call that has the turn, and the calls that wait for it. */
export class Line {
  /** The task of the call that has the turn, once it has begun. */
  #running: Task | null = null
  /** The call that has the turn is to be cancelled, as soon as it has a task. */
  #reason: CancelledError | null = null
  readonly waiters: Set<Future<void>> = new Set()
  /** It goes on where it was: a new iterator would have to step over everything that was deleted since the set last grew. */
  #iterator: SetIterator<Future<void>> | null = null

  /** The call that has the turn runs in `task`. */
  runs(task: Task): void {
    if (this.#reason === null) this.#running = task
    else task.cancel(this.#reason)
  }

  /** Cancels the call that has the turn, once. */
  cancelRunning(reason: CancelledError): void {
    if (this.#reason !== null) return
    this.#reason = reason
    this.#running?.cancel(reason)
  }

  turnEnded(): void {
    this.#running = null
    this.#reason = null
  }

  /** Takes the first waiter out of the line. */
  next(): Future<void> | null {
    this.#iterator ??= this.waiters.values()
    const { value } = this.#iterator.next()
    if (value !== undefined) {
      this.waiters.delete(value)
      return value
    }
    // It has ended for good, so the next call needs a new one.
    this.#iterator = null
    return this.waiters.size === 0 ? null : this.next()
  }
}
