import { AskTimeout } from '@tasktree/actor'
import type { Cluster } from '@tasktree/nats'
import { expect } from 'vitest'
import type { List } from './linearizability.ts'

/** Sends the items 0, 1, 2 ... to a list, and remembers which of them were confirmed. */
export class ConfirmedItems {
  readonly #cluster: Cluster
  readonly #key: string
  readonly #confirmed: number[] = []
  #sent = 0

  constructor(cluster: Cluster, key: string) {
    this.#cluster = cluster
    this.#key = key
  }

  /** Sends the next item. If it is not confirmed in time (on a busy machine), it is unknown whether it was stored. */
  async send(): Promise<void> {
    const item = this.#sent++
    try {
      await this.#cluster.ref<List>('list', this.#key).tell({ confirm: true }).append(item)
      this.#confirmed.push(item)
    } catch (error) {
      if (!(error instanceof AskTimeout)) throw error
    }
  }

  get confirmed(): number {
    return this.#confirmed.length
  }

  /** Checks that the list has each confirmed item, no item twice, and all in the order in which they were sent. */
  async check(): Promise<void> {
    const list = this.#cluster.ref<List>('list', this.#key)
    const items = await list.ask({ timeout: 60_000 }).items()
    const confirmed = new Set(this.#confirmed)
    expect(items.filter((item) => confirmed.has(item))).toEqual(this.#confirmed)
    expect(items).toEqual([...new Set(items)].toSorted((a, b) => a - b))
  }
}
