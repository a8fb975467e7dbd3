/** The asks of one cluster handle that wait for an answer. Most fail early when the connection or the node is lost. */
import type { ExitReason } from '@tasktree/actor'
import { detached, Future, sleep } from '@tasktree/core'
import { createServiceTask } from '@tasktree/core/lowlevel'
import { ClusterClosed, NodeLost } from '../errors.ts'
import type { Link } from '../link/link.ts'
import { isNodeThere } from '../link/nodes.ts'
import type { RemoteAsk } from './remote-ask.ts'

/** Milliseconds between two checks whether the nodes that handle asks are alive. */
const lookInterval = 1_000

export class OpenAsks {
  readonly link: Link
  readonly #asks = new Set<RemoteAsk>()
  readonly #stopped = new Set<Future<ExitReason>>()
  #isWatching = false
  #sent = 0

  constructor(link: Link) {
    this.link = link
    link.onStatus((status) => {
      if (status === 'connected') return
      for (const ask of this.#asks) ask.lost('unknown')
      if (status !== 'idle' || !link.hasEnded) return
      for (const stopped of this.#stopped)
        if (!stopped.done()) stopped.setResult({ kind: 'shutdown' })
      this.#stopped.clear()
    })
  }

  /** Returns an id that no other ask in the cluster has. */
  newId(): string {
    return `${this.link.answers.token}-${(++this.#sent).toString(36)}`
  }

  add(ask: RemoteAsk): void {
    this.#asks.add(ask)
  }

  delete(ask: RemoteAsk): void {
    this.#asks.delete(ask)
  }

  /** Returns a future that settles when the cluster handle has ended. No message can be sent after that. */
  untilStopped(): Future<ExitReason> {
    const stopped = new Future<ExitReason>()
    this.#stopped.add(stopped)
    stopped.addDoneCallback(() => this.#stopped.delete(stopped))
    return stopped
  }

  /** Begins to check whether the nodes that handle asks are alive, until there are no such asks. */
  watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    detached(() => createServiceTask(() => this.#watchNodes(), { name: 'nodes that have asks' }))
  }

  async #watchNodes(): Promise<void> {
    try {
      for (;;) {
        await sleep(lookInterval)
        const nodes = new Set([...this.#asks].map(({ node }) => node))
        nodes.delete(null)
        if (nodes.size === 0) return
        for (const node of nodes) {
          if (node === null || (await isNodeThere(this.link, node))) continue
          for (const ask of this.#asks) {
            if (ask.node === node) ask.refuse(new NodeLost(ask.path, node))
          }
        }
      }
    } catch (error) {
      if (!(error instanceof ClusterClosed)) throw error
    } finally {
      this.#isWatching = false
    }
  }
}
