import type { Link, LinkStatus } from '../link/link.ts'
import { listNodes, type NodeInfo } from '../link/nodes.ts'

export interface QueueSnapshot {
  /** How many jobs wait for a worker. */
  readonly waiting: number
  /** How many jobs were delivered to a worker and have no result yet. */
  readonly running: number
  /** How many jobs must not begin yet, or wait for a worker that knows their function. */
  readonly delayed: number
}

/** The state of a cluster at one moment, as one node sees it. */
export interface ClusterSnapshot {
  readonly namespace: string
  readonly node: string
  readonly status: LinkStatus
  readonly nodes: readonly NodeInfo[]
  readonly queues: Readonly<Record<string, QueueSnapshot>>
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
    deadLetters: dead?.messages ?? 0,
  }
}
