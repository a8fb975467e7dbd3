import { cancelTasks, Future, isCancelled, type Task, timeout } from '@tasktree/core'
import { createServiceTask } from '@tasktree/core/lowlevel'
import type { Bus } from '../bus/bus.ts'
import type { Link } from '../link/link.ts'
import type { NodeEntry } from '../link/nodes.ts'

/**
 * Milliseconds that the removal of the node's entry gets when the cluster is closed, and after it the work in the background,
 * such as sending a cancel.
 */
const patience = 2_000

/** One incarnation of the connection. */
export class ClusterConnection implements AsyncDisposable {
  readonly #link: Link
  readonly #entry: NodeEntry
  #failure: { readonly error: unknown } | null = null
  #watcher: Future<void> | null = null
  #bus: Bus | null = null
  #keeping: Task<never> | null = null

  constructor(link: Link, entry: NodeEntry) {
    this.#link = link
    this.#entry = entry
  }

  async start(): Promise<void> {
    const bus = await this.#link.open()
    this.#bus = bus
    bus.onStatus((status) => {
      if (status === 'closed') this.#end(bus.closedBy ?? new Error('the connection was closed'))
    })
    const keeping = createServiceTask(() => this.#entry.keep(), { name: `node ${this.#link.node}` })
    this.#keeping = keeping
    keeping.addDoneCallback(() => {
      if (!keeping.cancelled()) this.#end(keeping.exception())
    })
  }

  #end(error: unknown): void {
    this.#failure ??= { error }
    if (this.#watcher?.done() === false) this.#watcher.setException(error)
  }

  /** Never returns. Fails when the connection has ended by itself, or the entry of the node cannot be kept. */
  async wait(): Promise<void> {
    const watcher = new Future<void>()
    this.#watcher = watcher
    if (this.#failure !== null) watcher.setException(this.#failure.error)
    await watcher
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(false)
  }

  /** `isFinal` says that no supervisor opens another connection. */
  async close(isFinal: boolean): Promise<void> {
    if (this.#keeping !== null) await cancelTasks([this.#keeping])
    const bus = this.#bus
    try {
      if (bus?.status === 'connected') await timeout(patience, () => this.#entry.remove(bus))
    } catch (error) {
      // An entry that is not removed expires by itself.
      if (isCancelled(error)) throw error
    } finally {
      await this.#link.close(patience, isFinal)
    }
  }
}
