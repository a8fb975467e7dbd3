import { type CancelledError, Future, isCancelled } from '@tasktree/core'
import {
  describe,
  observe,
  ObservedFuture,
  type WaitDetails,
  waitDetails,
} from '@tasktree/core/lowlevel'

/** The calls that a JobFuture makes to the pool that runs its job. */
export interface JobControl {
  /** Called when the future was cancelled. */
  abandon(): void
  /** Returns where the job is now. `why()` of core, which explains what a task waits for, shows this place. */
  details(): WaitDetails
  /** Called when the reader has room for `count` more values of the stream. */
  grant(count: number): void
}

/**
 * The result of a job. A cancel removes a job that waits in the queue. In a running job, the signal that
 * `workerSignal()` returns aborts, and the worker is terminated if the job then runs for longer than the option
 * `cancelGrace` of the pool says. The code that awaits the job continues at once.
 *
 * For a generator job, the future resolves with the return value of the generator, and it is an async iterable of the
 * yielded values. The worker is at most 16 values ahead of the reader. A program that waits for the future without
 * iterating drops the values. Leaving the iteration early cancels the job.
 *
 * @example
 *     await using pool = new ThreadPoolExecutor({ maxWorkers: 1 })
 *     const job = pool.submit(function* (to: number) {
 *       for (let n = 1; n <= to; n++) yield n * n
 *       return 'that is all'
 *     }, 2)
 *     for await (const square of job) console.log(square) // 1, then 4
 *     console.log(await job) // that is all
 *
 * Source: concurrent.futures.Future. Differs: a running job can be cancelled.
 */
export class JobFuture<R, Y = never> extends ObservedFuture<R> {
  readonly #control: JobControl
  #progress: ((value: unknown) => void)[] | null = null
  #stream: JobStream<Y> | null = null
  #isAwaited = false

  /** Called by the method `submit` of an executor. */
  constructor(control: JobControl) {
    super()
    this.#control = control
  }

  /** @internal */
  [waitDetails](): WaitDetails {
    return this.#control.details()
  }

  override cancel(msg?: string | CancelledError): boolean {
    if (!super.cancel(msg)) return false
    this.#control.abandon()
    return true
  }

  /**
   * Calls `callback` with each value that the job passes to `reportProgress` from now on. If `callback` throws, the
   * error goes to the loop's exception handler.
   */
  onProgress(callback: (value: unknown) => void): this {
    if (typeof callback !== 'function') {
      throw new TypeError(`onProgress() takes a function, got ${describe(callback)}`)
    }
    this.#progress ??= []
    this.#progress.push(callback)
    return this
  }

  /** Called when code begins to wait for the end of the job. */
  protected override observed(): void {
    this.#stream?.dropUnread()
    this.#isAwaited = true
  }

  // oxlint-disable-next-line unicorn/no-thenable -- every future has a method `then`
  override then<T = R, E = never>(
    onFulfilled?: ((value: R) => T | PromiseLike<T>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<T | E> {
    // An `await` of a job that has ended begins no wait, so `observed` is called here, which drops the unread values.
    this.observed()
    return super.then(onFulfilled, onRejected)
  }

  [Symbol.asyncIterator](): AsyncIterator<Y, void> {
    const stream = this.#openStream()
    stream.read()
    return stream
  }

  #openStream(): JobStream<Y> {
    this.#stream ??= new JobStream<Y>(this, this.#control)
    return this.#stream
  }

  /** Called by the pool when the job has yielded a value. */
  deliver(value: Y): void {
    if (this.done()) return
    const stream = this.#openStream()
    if (this.#isAwaited) stream.dropUnread()
    stream.push(value)
  }

  /** Called by the pool when the job has reported progress. */
  progressed(value: unknown): void {
    if (this.done() || this.#progress === null) return
    for (const callback of this.#progress) {
      try {
        callback(value)
      } catch (exception) {
        this.getLoop().callExceptionHandler({
          message: 'Exception in a progress callback',
          exception,
          future: this,
        })
      }
    }
  }
}

/** The values of a generator job that have arrived and not been read yet. */
class JobStream<Y> implements AsyncIterator<Y, void> {
  readonly #future: Future<unknown>
  readonly #control: JobControl
  readonly #values: Y[] = []
  #waiting: Future<void>[] = []
  #isRead = false
  #drops = false

  constructor(future: Future<unknown>, control: JobControl) {
    this.#future = future
    this.#control = control
  }

  /** Called when an iteration begins. */
  read(): void {
    if (this.#isRead) return
    this.#isRead = true
    this.#drops = false
    if (!this.#future.done()) observe(this.#future, () => this.#wakeAll())
  }

  dropUnread(): void {
    if (this.#isRead || this.#drops) return
    this.#drops = true
    if (this.#values.length > 0) this.#control.grant(this.#values.splice(0).length)
  }

  push(value: Y): void {
    if (this.#drops) {
      this.#control.grant(1)
      return
    }
    this.#values.push(value)
    const waiting = this.#waiting.shift()
    if (waiting?.done() === false) waiting.setResult()
  }

  #wakeAll(): void {
    for (const waiting of this.#waiting.splice(0)) if (!waiting.done()) waiting.setResult()
  }

  async next(): Promise<IteratorResult<Y, void>> {
    for (;;) {
      if (this.#values.length > 0) {
        const value = this.#values.shift() as Y
        this.#control.grant(1)
        return { done: false, value }
      }
      if (this.#future.done()) {
        this.#future.result()
        return { done: true, value: undefined }
      }
      const waiting = new Future<void>()
      this.#waiting.push(waiting)
      try {
        await waiting
      } catch (error) {
        // The reader was cancelled. A reader waits for the job itself, so the job is cancelled too.
        if (isCancelled(error)) this.#future.cancel(error)
        throw error
      } finally {
        this.#waiting = this.#waiting.filter((each) => each !== waiting)
      }
    }
  }

  async return(): Promise<IteratorResult<Y, void>> {
    this.#values.length = 0
    this.#future.cancel('the iteration of its values was left')
    return { done: true, value: undefined }
  }
}
