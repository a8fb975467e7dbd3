import { type ActorSystem, formatReason } from '@tasktree/actor'
import type { Restart, Sample, Tally } from './sample.ts'

/** How many samples are kept. There is one each second, so these are five minutes. */
const keptSamples = 300

const keptRestarts = 100

export const noTally = (): Tally => ({ added: 0, done: 0, failed: 0, cancelled: 0 })

/**
 * The measurements and restarts since the server started. It outlives the actors that write and show it, so that the
 * restart of an actor deletes nothing.
 */
export class History {
  readonly totals: Tally = noTally()
  #samples: Sample[] = []
  #count = 0
  #restarts: Restart[] = []
  readonly #restartCounts = new Map<string, number>()

  add(sample: Omit<Sample, 'n'>): void {
    this.#samples = [...this.#samples, { n: ++this.#count, ...sample }].slice(-keptSamples)
  }

  /** Returns the samples with a number greater than `n`, the oldest first. */
  samplesSince(n: number): Sample[] {
    const first = this.#samples.findIndex((sample) => sample.n > n)
    return first === -1 ? [] : this.#samples.slice(first)
  }

  latestSamples(count: number): Sample[] {
    return this.#samples.slice(-count)
  }

  /** The latest restarts, the oldest first. */
  get restarts(): readonly Restart[] {
    return this.#restarts
  }

  /** How many times each child of the tree was restarted, by its path. */
  get restartCounts(): ReadonlyMap<string, number> {
    return this.#restartCounts
  }

  /** Notes the restarts of a tree until this call is cancelled. */
  async follow(system: ActorSystem): Promise<void> {
    using events = system.events.subscribe()
    for await (const event of events) {
      if (event.type !== 'restarting') continue
      const { path, reason } = event
      this.#restartCounts.set(path, (this.#restartCounts.get(path) ?? 0) + 1)
      const restart = { at: Date.now(), path, reason: formatReason(reason) }
      this.#restarts = [...this.#restarts, restart].slice(-keptRestarts)
    }
  }
}
