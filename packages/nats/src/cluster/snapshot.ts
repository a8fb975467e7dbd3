import type { Link, LinkStatus } from '../link/link.ts'
import { listNodes, type NodeInfo } from '../link/nodes.ts'
import { readTerms } from '../entities/known-types.ts'

export interface QueueSnapshot {
  /** How many jobs wait for a worker. */
  readonly waiting: number
  /** How many jobs were delivered to a worker and have no result yet. */
  readonly running: number
  /** How many jobs must not begin yet, or wait for a worker that knows their function. */
  readonly delayed: number
}

export interface EntitySnapshot {
  /** The node that owns each shard, by the number of the shard; null for a shard without an owner. */
  readonly shards: readonly (string | null)[]
  /** How many actors run. */
  readonly active: number
  /** How many messages are in the mailboxes on the server; null for entities without `state`, which have none there. */
  readonly waiting: number | null
}

/** The state of a cluster at one moment, as one node sees it. */
export interface ClusterSnapshot {
  readonly namespace: string
  readonly node: string
  readonly status: LinkStatus
  readonly nodes: readonly NodeInfo[]
  readonly queues: Readonly<Record<string, QueueSnapshot>>
  /** The node that runs each singleton; null while none does. */
  readonly singletons: Readonly<Record<string, string | null>>
  /** The types of entities that a node hosts. */
  readonly entities: Readonly<Record<string, EntitySnapshot>>
  /** How many jobs were put aside in the last 14 days, because no worker could finish them. */
  readonly deadLetters: number
}

export async function takeSnapshot(
  link: Link,
  namespace: string,
  ownQueues: Iterable<string>,
): Promise<ClusterSnapshot> {
  const nodes = await listNodes(link)
  const queues = new Set([...ownQueues, ...nodes.flatMap((node) => Object.keys(node.queues))])
  const states: [string, QueueSnapshot][] = []
  for (const queue of [...queues].toSorted()) {
    const jobs = await link.insist((bus) => bus.streamState(link.names.jobs(queue)))
    const delayed = await link.insist((bus) => bus.streamState(link.names.delayed(queue)))
    const { messages = 0, pending = 0 } = jobs ?? {}
    states.push([
      queue,
      { waiting: messages - pending, running: pending, delayed: delayed?.messages ?? 0 },
    ])
  }
  const dead = await link.insist((bus) => bus.streamState(link.names.deadLetters))
  return {
    namespace,
    node: link.node,
    status: link.status,
    nodes,
    queues: Object.fromEntries(states),
    singletons: findSingletons(nodes),
    entities: await findEntities(link, nodes),
    deadLetters: dead?.messages ?? 0,
  }
}

function findSingletons(nodes: readonly NodeInfo[]): Record<string, string | null> {
  const found: Record<string, string | null> = {}
  for (const { node, singletons } of nodes) {
    for (const [id, state] of Object.entries(singletons)) {
      if (state === 'running') found[id] = node
      else found[id] ??= null
    }
  }
  return found
}

async function findEntities(
  link: Link,
  nodes: readonly NodeInfo[],
): Promise<Record<string, EntitySnapshot>> {
  const found: Record<string, EntitySnapshot> = {}
  const types = new Set(nodes.flatMap(({ entities }) => Object.keys(entities)))
  for (const type of [...types].toSorted()) {
    const terms = await readTerms(link, type)
    const shards = Array.from({ length: terms?.shards ?? 0 }, (): string | null => null)
    let active = 0
    for (const { node, entities } of nodes) {
      for (const shard of entities[type]?.shards ?? []) shards[shard] = node
      active += entities[type]?.active ?? 0
    }
    const mailboxes =
      terms?.isDurable === true
        ? await link.insist((bus) => bus.streamState(link.names.mailboxes(type)))
        : null
    found[type] = { shards, active, waiting: mailboxes?.messages ?? null }
  }
  return found
}
