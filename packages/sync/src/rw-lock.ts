import type { Future } from '@tasktree/core'
import type { Releaser } from './releaser.ts'
import { Shares } from './shares.ts'

/** A writer takes the whole lock, a reader one part of it. */
const whole: number = Number.MAX_SAFE_INTEGER

/**
 * Many readers at a time, or one writer.
 *
 * First come, first served: a reader that comes while a writer waits, waits behind it, so neither side
 * is starved. A reader must not ask for a second read while it holds one: a writer in between would
 * wait for the first, and the second for the writer.
 *
 * @example
 * const lock = new RWLock()
 * using _ = await lock.read()
 *
 * Source: tokio's RwLock; asyncio has none.
 */
export class RWLock {
  readonly #shares = new Shares(whole)

  /** Waits until it may read. Does not suspend when nobody writes or waits. */
  read(options?: { signal?: AbortSignal }): Future<Releaser> {
    return this.#shares.acquire(1, options)
  }

  /** Waits until it is alone. Does not suspend when nobody reads, writes or waits. */
  write(options?: { signal?: AbortSignal }): Future<Releaser> {
    return this.#shares.acquire(whole, options)
  }

  /** Who holds it, and how many wait. */
  statistics(): { readonly readers: number; readonly writers: number; readonly waiters: number } {
    const { holders, waiters, isWhole } = this.#shares
    return Object.freeze({
      readers: isWhole ? 0 : holders,
      writers: isWhole ? holders : 0,
      waiters,
    })
  }
}
