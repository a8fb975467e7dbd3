import {
  type Actor,
  ActorSystem,
  child,
  type ChildSpec,
  type Logger,
  silentLogger,
} from '@tasktree/actor'
import { sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import {
  type Cluster,
  cluster,
  type ClusterOptions,
  clusterTree,
  type StateCodec,
  type WorkerModules,
} from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'

/** Starts a node on a server in memory: an actor system with one `clusterTree`. */
export function startMemoryNode(
  { connector }: MemoryServer,
  node: string,
  children: (cluster: Cluster) => ChildSpec[],
  logger: Logger = process.env['LOUD'] ? console : silentLogger,
  options: ClusterOptions = {},
): Promise<ActorSystem> {
  return ActorSystem.start({
    name: node,
    logger,
    children: [clusterTree('tree', { connector, node, ...options }, children)],
  })
}

/** What a receiving node runs: an actor class, which is used for the service and the entities, and the functions of a worker. */
interface Receivers<A extends Actor, S> {
  readonly actor: new () => A
  readonly state: StateCodec<A, S>
  readonly home: WorkerModules[string]
}

/**
 * Runs `body` with a sender, and with another node that has the service `actor`, the entities `plain` and `durable`, and a
 * worker of the queue `q`.
 */
export function withReceivers<A extends Actor, S>(
  { actor, state, home }: Receivers<A, S>,
  body: (sender: Cluster, server: MemoryServer) => Promise<void>,
): Promise<void> {
  return runVirtual(async () => {
    const server = new MemoryServer()
    const system: ActorSystem = await startMemoryNode(server, 'node', (own) => [
      child.actor('actor', actor),
      own.service('actor', () => system.lookup(actor, 'tree/actor')),
      own.entity('plain', actor, { lease: 1_000, shards: 1 }),
      own.entity('durable', actor, { lease: 1_000, shards: 1, state }),
      own.worker('q', { home }),
    ])
    await sleep(2_000)
    {
      await using sender = await cluster({ connector: server.connector, node: 'sender' }).connect()
      await body(sender, server)
    }
    await system.stop()
  })
}
