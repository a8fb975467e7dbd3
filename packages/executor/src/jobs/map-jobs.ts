import { type Future, getEventLoop, TimeoutError, wait, FIRST_COMPLETED } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import { decodeError } from './encode-error.ts'
import type { MapOptions } from '../pool/executor.ts'
import { checkCount, checkDuration } from '../pool/options.ts'
import type { ChunkOutcome } from '../transport/protocol.ts'

type Submit = (args: readonly unknown[], chunked: boolean) => Future<unknown>

/** What `Executor.map` returns. @throws {TypeError} @throws {RangeError} for wrong arguments, at once */
export function mapJobs<T, R>(
  submit: Submit,
  items: Iterable<T> | AsyncIterable<T>,
  options: MapOptions,
  defaultBuffer: number,
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
  const { ordered = true } = options
  return {
    [Symbol.asyncIterator]: () =>
      new Mapping<T, R>(submit, items, chunksize, buffer, timeout).results(ordered),
  }
}

/** One iteration over the results. */
class Mapping<T, R> {
  readonly #submit: Submit
  readonly #items: Iterator<T> | AsyncIterator<T>
  readonly #chunksize: number
  readonly #maxPending: number
  readonly #timeout: number
  readonly #deadline: number
  readonly #pending = new Set<Future<unknown>>()
  #exhausted = false

  constructor(
    submit: Submit,
    items: Iterable<T> | AsyncIterable<T>,
    chunksize: number,
    buffer: number,
    timeout: number,
  ) {
    this.#submit = submit
    this.#items =
      Symbol.asyncIterator in Object(items)
        ? (items as AsyncIterable<T>)[Symbol.asyncIterator]()
        : (items as Iterable<T>)[Symbol.iterator]()
    this.#chunksize = chunksize
    this.#maxPending = Math.max(1, Math.ceil(buffer / chunksize))
    this.#timeout = timeout
    this.#deadline = getEventLoop().time() + timeout
  }

  async *results(ordered: boolean): AsyncGenerator<R, void> {
    try {
      for (;;) {
        while (!this.#exhausted && this.#pending.size < this.#maxPending) {
          await this.#submitNext()
        }
        if (this.#pending.size === 0) return
        await this.#waitForOne(ordered)
        const future = this.#awaited(ordered).find((each) => each.done()) as Future<unknown>
        this.#pending.delete(future)
        yield* this.#unpack(future.result())
      }
    } finally {
      for (const future of this.#pending) future.cancel('the iteration of the results was left')
      if (!this.#exhausted) await this.#items.return?.()
    }
  }

  async #submitNext(): Promise<void> {
    const chunk: T[] = []
    while (chunk.length < this.#chunksize) {
      const next = this.#items.next()
      const step = next instanceof Promise ? await next : next
      if (step.done === true) {
        this.#exhausted = true
        break
      }
      chunk.push(step.value)
    }
    if (chunk.length === 0) return
    const chunked = this.#chunksize > 1
    this.#pending.add(this.#submit(chunked ? [chunk] : chunk, chunked))
  }

  #awaited(ordered: boolean): Future<unknown>[] {
    return ordered ? [...this.#pending.values().take(1)] : [...this.#pending]
  }

  async #waitForOne(ordered: boolean): Promise<void> {
    const awaited = this.#awaited(ordered)
    if (awaited.some((future) => future.done())) return
    const left = this.#deadline - getEventLoop().time()
    const { done } = await wait(awaited, {
      returnWhen: FIRST_COMPLETED,
      ...(left !== Infinity && { timeout: Math.max(left, 0) }),
    })
    if (done.size > 0) return
    throw new TimeoutError(`the results did not come within ${this.#timeout} ms`)
  }

  *#unpack(value: unknown): Generator<R> {
    if (this.#chunksize === 1) {
      yield value as R
      return
    }
    const { results, error } = value as ChunkOutcome
    yield* results as R[]
    if (error !== null) throw decodeError(error, '')
  }
}
