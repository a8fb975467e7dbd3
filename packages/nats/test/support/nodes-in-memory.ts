import { ActorSystem, type ChildSpec, type Logger, silentLogger } from '@tasktree/actor'
import { type Cluster, clusterTree } from '@tasktree/nats'
import type { MemoryServer } from '@tasktree/nats/testing'

/** A node on a server in memory, as a system with one tree of the cluster. */
export function startMemoryNode(
  { connector }: MemoryServer,
  node: string,
  children: (cluster: Cluster) => ChildSpec[],
  logger: Logger = process.env['LOUD'] ? console : silentLogger,
): Promise<ActorSystem> {
  return ActorSystem.start({
    name: node,
    logger,
    children: [clusterTree('tree', { connector, node }, children)],
  })
}
