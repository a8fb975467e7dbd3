import type { Future } from '@tasktree/core'
import { checkNamed, type NameOption, Primitive } from './primitive.ts'
import type { Releaser } from './releaser.ts'
import { WeightedSemaphore } from './weighted-semaphore.ts'

/** The amount of the lock that a writer takes: all of it. A reader takes 1. */
const whole: number = Number.MAX_SAFE_INTEGER

/** How many holders the task tree names. */
const namedHolders = 5

/**
 * A lock that many readers can hold at the same time, or one writer alone.
 *
 * Requests are served in order: a reader that comes while a writer waits is served after that writer, so neither
 * readers nor writers wait forever. A task must not ask for a second read while it holds one: a writer that came in
 * between would wait for the first read, and the second read would wait for that writer.
 *
 * @example
 *     const lock = new RWLock()
 *     {
 *       using _first = await lock.read()
 *       using _second = await lock.read() // readers share the lock
 *       console.log(lock.statistics().readers) // 2
 *     }
 *     using _ = await lock.write() // a writer is alone
 *     console.log(lock.statistics().writers) // 1
 *
 * Source: tokio's RwLock; asyncio has none.
 */
export class RWLock extends Primitive {
  readonly #semaphore: WeightedSemaphore

  constructor(options?: NameOption) {
    super(checkNamed('an RWLock takes { name }', options)?.name)
    this.#semaphore = new WeightedSemaphore(whole, (waiter) => {
      const what = waiter.ask.amount === whole ? 'to write' : 'to read'
      return {
        of: this,
        state: `${what}, ${this.#holderText((name) => name)}`,
        note: `${what}, ${this.#holderText((name) => `task '${name}'`)}`,
        next: this.#semaphore.holdingTasks()[0] ?? null,
      }
    })
  }

  /**
   * Waits until no writer has the lock, and returns a Releaser. Does not suspend if there is no writer and no waiter.
   */
  read(options?: { signal?: AbortSignal }): Future<Releaser> {
    return this.#semaphore.acquire(1, options)
  }

  /**
   * Waits until there is no other holder, and returns a Releaser. Does not suspend if there is no holder and no waiter.
   */
  write(options?: { signal?: AbortSignal }): Future<Releaser> {
    return this.#semaphore.acquire(whole, options)
  }

  /** Returns how many readers and writers hold the lock, and how many wait. */
  override statistics(): {
    readonly readers: number
    readonly writers: number
    readonly waiters: number
  } {
    const { holders, waiters, isWhole } = this.#semaphore
    return Object.freeze({
      readers: isWhole ? 0 : holders,
      writers: isWhole ? holders : 0,
      waiters,
    })
  }

  #holderText(named: (name: string) => string): string {
    const tasks = this.#semaphore.holdingTasks()
    if (tasks.length === 0) return 'which is being handed over'
    const names = tasks
      .slice(0, namedHolders)
      .map((task) => (task === null ? 'plain code' : named(task.name)))
    if (tasks.length > namedHolders) names.push(`${tasks.length - namedHolders} more`)
    return `held by ${this.#semaphore.isWhole ? 'writer' : 'readers'} ${names.join(', ')}`
  }
}
