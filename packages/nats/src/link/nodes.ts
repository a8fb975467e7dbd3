/** The list of nodes. Each node has an entry in a bucket, and renews it before it expires. */
import { hostname } from 'node:os'
import { getEventLoop } from '@tasktree/core'
import type { Bucket, Bus } from '../bus/bus.ts'
import { token } from '../wire/names.ts'
import type { Link } from './link.ts'
import { Signal } from './signal.ts'

/** Milliseconds after which an entry expires. A node without an entry is taken for dead. */
const nodeLease = 5_000

/** A node of the cluster. The node wrote this description itself, at most 5 seconds ago. */
export interface NodeInfo {
  readonly node: string
  readonly host: string
  readonly pid: number
  /** Unix time in milliseconds. */
  readonly startedAt: number
  /** The queues for which the node has workers, each with the number of jobs that run on the node. */
  readonly queues: Readonly<Record<string, number>>
  readonly services: readonly string[]
  /** The singletons that it runs, or waits to run. */
  readonly singletons: Readonly<Record<string, 'running' | 'waiting'>>
  /** The types of entities that it hosts: which shards it owns, and how many actors run. */
  readonly entities: Readonly<Record<string, EntityShare>>
}

export interface EntityShare {
  readonly shards: readonly number[]
  readonly active: number
}

export class NodeEntry {
  readonly #link: Link
  readonly #startedAt = Date.now()
  readonly queues: Map<string, () => number> = new Map()
  readonly services: Set<string> = new Set()
  readonly singletons: Map<string, 'running' | 'waiting'> = new Map()
  readonly entities: Map<string, () => EntityShare> = new Map()
  readonly #changed = new Signal()
  /** When the entry that the server has was sent, by the clock of the loop. */
  #writtenAt = -Infinity

  constructor(link: Link) {
    this.#link = link
  }

  describe(): NodeInfo {
    return {
      node: this.#link.node,
      host: hostname(),
      pid: process.pid,
      startedAt: this.#startedAt,
      queues: Object.fromEntries([...this.queues].map(([queue, running]) => [queue, running()])),
      services: [...this.services],
      singletons: Object.fromEntries(this.singletons),
      entities: Object.fromEntries([...this.entities].map(([type, share]) => [type, share()])),
    }
  }

  /** Makes `keep` write the entry now, because its content has changed. */
  changed(): void {
    this.#changed.notify()
  }

  /** Writes the entry and renews it, until it is cancelled. */
  async keep(): Promise<never> {
    for (;;) {
      const startedAt = getEventLoop().time()
      await this.#write()
      await this.#changed.wait(Math.max(0, startedAt + nodeLease / 3 - getEventLoop().time()))
    }
  }

  async #write(): Promise<void> {
    let sentAt = -Infinity
    await this.#link.insist((bus) => {
      sentAt = getEventLoop().time()
      const value = new TextEncoder().encode(JSON.stringify(this.describe()))
      return nodesOf(this.#link, bus).put(token(this.#link.node), value)
    })
    this.#writtenAt = Math.max(this.#writtenAt, sentAt)
  }

  /** Writes the entry, unless `keep` has written it lately: after a connect, `keep` does that in the background. */
  async ensureWritten(): Promise<void> {
    if (getEventLoop().time() >= this.#writtenAt + nodeLease / 2) await this.#write()
  }

  /** Removes the entry, so that the other nodes need not wait until it expires. */
  async remove(bus: Bus): Promise<void> {
    this.#writtenAt = -Infinity
    await nodesOf(this.#link, bus).delete(token(this.#link.node))
  }
}

function nodesOf(link: Link, bus: Bus): Bucket {
  return link.bucket(bus, link.names.nodes, nodeLease)
}

export async function listNodes(link: Link): Promise<NodeInfo[]> {
  return link.insist(async (bus) => {
    const bucket = nodesOf(link, bus)
    const found: NodeInfo[] = []
    for (const key of await bucket.keys()) {
      const entry = await bucket.get(key)
      if (entry !== null) found.push(JSON.parse(new TextDecoder().decode(entry.value)) as NodeInfo)
    }
    return found.toSorted((a, b) => (a.node < b.node ? -1 : 1))
  })
}

/** Returns whether the node has an entry, so whether it was alive a moment ago. */
export function isNodeThere(link: Link, node: string): Promise<boolean> {
  return link.insist(async (bus) => {
    const entry = await nodesOf(link, bus).get(token(node))
    return entry !== null
  })
}
