/**
 * The code of `Executor.map`, which takes items, submits a job for each item or each chunk of items, and yields the
 * results.
 *
 * The source of the items may be slow or endless, so the code waits for the next item and the next result at the same
 * time. While the queue of the pool is full, the code waits for room in the queue in place of the next item. Neither of
 * the two waits may delay the other, and a cancel or the timeout ends both.
 */
import {
  checkpoint,
  ensureFuture,
  FIRST_COMPLETED,
  Future,
  getEventLoop,
  isCancelled,
  TimeoutError,
  wait,
} from '@tasktree/core'
import {
  cancelIsDue,
  checkCount,
  checkDuration,
  checkFlag,
  describe,
  isThenable,
} from '@tasktree/core/lowlevel'
import type { MapOptions } from '../pool/executor.ts'
import type { ChunkOutcome } from '../transport/protocol.ts'
import { decodeError } from './encode-error.ts'
import { JobSerializationError } from './errors.ts'
import { stackText, type SubmitStack } from './submit-stack.ts'

/** A job that a map has submitted. */
export interface MappedJob {
  readonly future: Future<unknown>
  /**
   * Whether the job has started in a worker. If a chunk has not started, because one of its items cannot be cloned, the
   * map submits its items one by one.
   */
  readonly isStarted: boolean
  /** The stack of the call of `map`, which is added to the error of an item. */
  readonly submitted: SubmitStack
  /**
   * The first results of a chunk, if some are nested so deeply that the worker sent them apart from the outcome of the
   * chunk.
   */
  readonly parts?: readonly unknown[]
}

type Submit = (args: readonly unknown[], chunked: boolean) => MappedJob
type WhenRoom = () => Future<void> | null

/**
 * Implements `Executor.map`. Wrong arguments throw at the call, before any job runs.
 *
 * @param whenRoom is called before items are read for the next job. It returns null if a job can be submitted now, or
 * else a future that is done when `whenRoom` should be called again. The future is cancelled if the reader leaves
 *
 * @throws {TypeError} for wrong arguments
 * @throws {RangeError} for arguments whose value is out of range
 */
export function mapJobs<T, R>(
  submit: Submit,
  items: Iterable<T> | AsyncIterable<T>,
  options: MapOptions,
  defaultBuffer: number,
  whenRoom: WhenRoom = () => null,
): AsyncIterable<R> {
  if (typeof items !== 'string' && (typeof items !== 'object' || items === null)) {
    throw new TypeError(`map() takes an iterable of items, got ${describe(items)}`)
  }
  if (!(Symbol.iterator in Object(items)) && !(Symbol.asyncIterator in Object(items))) {
    throw new TypeError(`map() takes an iterable of items, got ${describe(items)}`)
  }
  const chunksize = checkCount('chunksize', options.chunksize ?? 1, 1)
  const buffer = checkCount('buffer', options.buffer ?? defaultBuffer, 1)
  const timeout = checkDuration('timeout', options.timeout ?? Infinity)
  const ordered = checkFlag('ordered', options.ordered ?? true)
  return {
    [Symbol.asyncIterator]: () =>
      new Mapping<T, R>(
        submit,
        whenRoom,
        new Source(items, chunksize),
        chunksize,
        buffer,
        timeout,
      ).results(ordered),
  }
}

/** Reads the items and groups them into chunks. At most one `next()` of the items is pending at any time. */
class Source<T> {
  readonly #iterator: Iterator<T> | AsyncIterator<T>
  readonly #chunksize: number
  #chunk: T[] = []
  #asked: Future<IteratorResult<T>> | null = null
  #isExhausted = false
  /** What the iterator has thrown; null before that, and when `throwFailure` has thrown it. */
  #failure: { readonly error: unknown } | null = null

  constructor(items: Iterable<T> | AsyncIterable<T>, chunksize: number) {
    this.#iterator =
      Symbol.asyncIterator in Object(items)
        ? (items as AsyncIterable<T>)[Symbol.asyncIterator]()
        : (items as Iterable<T>)[Symbol.iterator]()
    this.#chunksize = chunksize
  }

  /** True when the iterator will give no further item: it has ended, or it has failed. */
  get isExhausted(): boolean {
    return this.#isExhausted
  }

  /**
   * Returns the next chunk, or null when there are no more items, or when the iterator has failed. Returns a future when
   * an item is not there yet; call again when that future is done.
   *
   * @throws {CancelledError} when a cancel has ended the iterator
   */
  take(): T[] | null | Future<unknown> {
    while (!this.#isExhausted && this.#chunk.length < this.#chunksize) {
      try {
        const step = this.#ask()
        if (step instanceof Future) return step
        if (step.done === true) this.#isExhausted = true
        else this.#chunk.push(step.value)
      } catch (error) {
        // As in a `for` loop, an iterator whose `next()` has failed has ended, and is not closed.
        this.#isExhausted = true
        if (isCancelled(error)) throw error
        this.#failure = { error }
      }
    }
    const chunk = this.#chunk
    this.#chunk = []
    return chunk.length === 0 ? null : chunk
  }

  #ask(): IteratorResult<T> | Future<IteratorResult<T>> {
    if (this.#asked === null) {
      const next = this.#iterator.next()
      if (!isThenable(next)) return next
      this.#asked = ensureFuture(next)
    }
    const asked = this.#asked
    if (!asked.done()) return asked
    this.#asked = null
    return asked.result()
  }

  /** Throws what the iterator has thrown, if it has failed. */
  throwFailure(): void {
    const failure = this.#failure
    this.#failure = null
    if (failure !== null) throw failure.error
  }

  /**
   * Closes the iterator of the items. Does not wait for an item that was requested, because that item may never come. If
   * the iterator has failed and `throwFailure` was not called, or fails later, its error goes to the loop's exception
   * handler.
   *
   * @param hasFailed whether the iteration over the results ends with an error. As in a `for` loop, an error of the
   * items then does not replace that error: it goes to the loop's exception handler
   */
  async close(hasFailed: boolean): Promise<void> {
    if (this.#failure !== null) reportUnthrown(this.#failure.error)
    if (this.#isExhausted) return
    const asked = this.#asked
    asked?.catch(reportUnthrown)
    const closing = this.#close()
    if (asked !== null && !asked.done()) {
      closing.catch(reportUnthrown)
      return
    }
    try {
      await closing
    } catch (error) {
      if (!hasFailed || isCancelled(error)) throw error
      reportUnthrown(error)
    }
  }

  async #close(): Promise<void> {
    await this.#iterator.return?.()
  }
}

/** Reports an error of the items that the iteration does not throw. A cancel is not an error. */
function reportUnthrown(exception: unknown): void {
  if (isCancelled(exception)) return
  const message =
    'The items of a map() failed, and its reader had already left or got another error'
  getEventLoop().callExceptionHandler({ message, exception })
}

interface Submitted<T> {
  readonly job: MappedJob
  readonly chunk: T[]
}

/** One iteration over the results of a map. */
class Mapping<T, R> {
  readonly #submit: Submit
  readonly #whenRoom: WhenRoom
  /** The last future for which this iteration waited for room; null before that. */
  #room: Future<void> | null = null
  readonly #source: Source<T>
  readonly #isChunked: boolean
  readonly #maxPending: number
  readonly #timeout: number
  readonly #deadline: number
  readonly #pending = new Set<Submitted<T>>()

  constructor(
    submit: Submit,
    whenRoom: WhenRoom,
    source: Source<T>,
    chunksize: number,
    buffer: number,
    timeout: number,
  ) {
    this.#submit = submit
    this.#whenRoom = whenRoom
    this.#source = source
    this.#isChunked = chunksize > 1
    this.#maxPending = Math.max(1, Math.ceil(buffer / chunksize))
    this.#timeout = timeout
    this.#deadline = getEventLoop().time() + timeout
  }

  async *results(ordered: boolean): AsyncGenerator<R, void> {
    let hasFailed = false
    try {
      for (;;) {
        const asked = this.#submitMore()
        const awaited = ordered ? [...this.#pending.values().take(1)] : [...this.#pending]
        const ready = awaited.find(({ job }) => job.future.done())
        if (ready !== undefined) {
          // A cancel of the reader is thrown only by a wait. If all results are ready, this iteration would never wait.
          // So it waits here when a cancel is due.
          if (cancelIsDue()) await checkpoint()
          this.#pending.delete(ready)
          yield* this.#unpack(ready)
        } else if (awaited.length > 0 || asked !== null) {
          const futures: Future<unknown>[] = awaited.map(({ job }) => job.future)
          await this.#waitForOne(asked === null ? futures : [...futures, asked])
        } else {
          this.#source.throwFailure()
          return
        }
      }
    } catch (error) {
      hasFailed = true
      throw error
    } finally {
      this.#room?.cancel()
      for (const { job } of this.#pending) {
        // The reader has left. The result of a job that has ended is dropped, and its failure is marked as handled.
        if (!job.future.cancel('the iteration of the results was left')) markSeen(job)
      }
      await this.#source.close(hasFailed)
    }
  }

  /**
   * Submits jobs for the items that are there, until the pending jobs contain `buffer` items. Returns a future when the
   * next item is not there yet, or when there is no room for its job; otherwise null.
   */
  #submitMore(): Future<unknown> | null {
    while (!this.#source.isExhausted && this.#pending.size < this.#maxPending) {
      const room = this.#awaitedRoom()
      if (room !== null) return room
      const chunk = this.#source.take()
      if (!Array.isArray(chunk)) return chunk
      const args = this.#isChunked ? [chunk] : chunk
      this.#pending.add({ job: this.#submit(args, this.#isChunked), chunk })
    }
    return null
  }

  /** Returns null if there is room for a job; otherwise a future that is done when this should be called again. */
  #awaitedRoom(): Future<void> | null {
    if (this.#room?.done() !== false) this.#room = this.#whenRoom()
    return this.#room
  }

  async #waitForOne(futures: readonly Future<unknown>[]): Promise<void> {
    const left = this.#deadline - getEventLoop().time()
    const { done } = await wait(futures, {
      returnWhen: FIRST_COMPLETED,
      ...(left !== Infinity && { timeout: Math.max(left, 0) }),
    })
    if (done.size > 0) return
    throw new TimeoutError(`the results did not come within ${this.#timeout} ms`)
  }

  async *#unpack({ job, chunk }: Submitted<T>): AsyncGenerator<R> {
    if (!this.#isChunked) {
      yield job.future.result() as R
      return
    }
    if (wasNotSent(job)) {
      yield* this.#submitEach(chunk)
      return
    }
    // The results that arrived early are complete even if the rest of the chunk cannot be decoded.
    if (job.parts !== undefined) yield* cancellable(job.parts as readonly R[])
    const { results, error } = job.future.result() as ChunkOutcome
    yield* cancellable(results as readonly R[])
    if (error === null) return
    // A future turns a thrown undefined or null into an error. So the failure is the one of a job outside of a chunk.
    const failed = new Future<never>()
    failed.setException(decodeError(error, stackText(job.submitted)))
    failed.result()
  }

  /**
   * Called when an item of the chunk cannot be sent. Submits each item as a separate job, so that the items before the
   * bad item still get their results.
   */
  async *#submitEach(chunk: readonly T[]): AsyncGenerator<R> {
    for (const item of chunk) {
      for (let room = this.#awaitedRoom(); room !== null; room = this.#awaitedRoom()) {
        await this.#waitForOne([room])
      }
      const job = this.#submit([item], false)
      const single: Submitted<T> = { job, chunk: [item] }
      this.#pending.add(single)
      while (!job.future.done()) await this.#waitForOne([job.future])
      this.#pending.delete(single)
      yield job.future.result() as R
    }
  }
}

/** Yields each of `results`. If the reader has been cancelled, the cancel is thrown before the next result. */
async function* cancellable<R>(results: readonly R[]): AsyncGenerator<R, void> {
  for (const result of results) {
    if (cancelIsDue()) await checkpoint()
    yield result
  }
}

function markSeen({ future }: MappedJob): void {
  if (!future.cancelled()) future.exception()
}

function wasNotSent({ future, isStarted }: MappedJob): boolean {
  return !isStarted && !future.cancelled() && future.exception() instanceof JobSerializationError
}
