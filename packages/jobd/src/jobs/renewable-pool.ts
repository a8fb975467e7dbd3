import { gather } from '@tasktree/core'
import type { Executor } from '@tasktree/executor'

/**
 * A pool that can be replaced by a new pool, so that new workers load their modules again. Jobs that run in the old
 * pool go on until they end.
 */
export class RenewablePool implements AsyncDisposable {
  readonly #make: () => Executor
  readonly #retiring = new Set<PromiseLike<void>>()
  #current: Executor

  constructor(make: () => Executor) {
    this.#make = make
    this.#current = make()
  }

  get current(): Executor {
    return this.#current
  }

  renew(): void {
    const old = this.#current
    this.#current = this.#make()
    const ended = this.#retire(old)
    this.#retiring.add(ended)
    void ended.then(() => this.#retiring.delete(ended))
  }

  async #retire(pool: Executor): Promise<void> {
    await pool.shutdown()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await gather([...this.#retiring, this.#current.shutdown({ cancelFutures: true })])
  }
}
