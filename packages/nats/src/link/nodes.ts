/** Who is there: each node renews its entry in a bucket whose entries expire. */
import { hostname } from 'node:os'
import { getEventLoop } from '@tasktree/core'
import type { Bucket, Bus } from '../bus/bus.ts'
import { token } from '../wire/names.ts'
import type { Link } from './link.ts'
import { Signal } from './signal.ts'

/** Milliseconds after which a node that has not renewed its entry counts as gone. */
const nodeLease = 5_000

/** A node of the cluster, as it has described itself at most a lease ago. */
export interface NodeInfo {
  readonly node: string
  readonly host: string
  readonly pid: number
  /** Unix time in milliseconds. */
  readonly startedAt: number
  /** The queues that it has workers for, and how many of their jobs run there. */
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

  /** Writes the entry now: what it says has changed. */
  changed(): void {
    this.#changed.notify()
  }

  /** Writes the entry, again and again, until it is cancelled. */
  async keep(): Promise<never> {
    for (;;) {
      const startedAt = getEventLoop().time()
      await this.#link.insist((bus) => {
        const value = new TextEncoder().encode(JSON.stringify(this.describe()))
        return nodesOf(this.#link, bus).put(token(this.#link.node), value)
      })
      await this.#changed.wait(Math.max(0, startedAt + nodeLease / 3 - getEventLoop().time()))
    }
  }

  /** Nobody has to wait for its lease. */
  async remove(bus: Bus): Promise<void> {
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

/** Whether the node has renewed its entry in time. */
export function isNodeThere(link: Link, node: string): Promise<boolean> {
  return link.insist(async (bus) => {
    const entry = await nodesOf(link, bus).get(token(node))
    return entry !== null
  })
}
