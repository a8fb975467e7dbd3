import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { ConnectionOptions } from '@nats-io/transport-node'
import {
  type Actor,
  type ActorClass,
  type ActorRef,
  child,
  type ChildOptions,
  type ChildSpec,
} from '@tasktree/actor'
import { checkOptions, describe } from '@tasktree/core/lowlevel'
import type { Connector } from '../bus/bus.ts'
import { connectNats } from '../bus/connect-nats.ts'
import { checkDurability, type DurabilityOptions } from '../bus/durability.ts'
import { RemoteExecutor, type RemoteExecutorOptions } from '../executor/remote-executor.ts'
import { checkedCodec, cloneCodec, type Codec } from '../wire/codec.ts'
import { checkName } from '../wire/names.ts'
import { OpenAsks } from '../services/open-asks.ts'
import { checkLookup, type LookupOptions, RemoteRef } from '../services/remote-ref.ts'
import { ServiceRoute } from '../services/service-route.ts'
import { type ServiceOptions, serviceSpec } from '../services/service.ts'
import type { WorkerModules } from '../worker/modules.ts'
import { type WorkerOptions, workerSpec } from '../worker/worker.ts'
import { entitySpec } from '../entities/entity.ts'
import type { EntityRest } from '../entities/entity-type.ts'
import { EntityRoute } from '../entities/entity-route.ts'
import { KnownTypes } from '../entities/known-types.ts'
import { type SingletonOptions, singletonSpec } from '../leases/singleton.ts'
import { Link, type LinkStatus } from '../link/link.ts'
import { listNodes, NodeEntry, type NodeInfo } from '../link/nodes.ts'
import { ClusterConnection } from './cluster-connection.ts'
import { type ClusterSnapshot, takeSnapshot } from './snapshot.ts'

/** The options of a cluster, and all options of the NATS client. */
export interface ClusterOptions extends ConnectionOptions, DurabilityOptions {
  /** The prefix of all names on the server. Clusters with different namespaces can share a server. @defaultValue 'tasktree' */
  namespace?: string
  /** The name of this node, which no other node may have. @defaultValue the names of host and process, and a random part */
  node?: string
  /** Encodes arguments and results. @defaultValue cloneCodec */
  codec?: Codec
  /** Makes the connection instead of the NATS client, for tests. */
  connector?: Connector
}

/**
 * The handle of one node: its connection to the cluster, and everything that uses the connection. The function `cluster`
 * makes a handle without a connection; `handle.child()` connects, as the first child of a tree.
 *
 * @example
 *     import { MemoryServer } from '@tasktree/nats/testing'
 *
 *     const { connector } = new MemoryServer() // a program takes `servers` instead
 *     await using client = await connect({ connector, node: 'client' })
 *     console.log((await client.nodes()).map(({ node }) => node)) // [ 'client' ]
 */
export class Cluster implements AsyncDisposable {
  readonly namespace: string
  readonly node: string
  readonly #link: Link
  readonly #entry: NodeEntry
  readonly #asks: OpenAsks
  readonly #types: KnownTypes
  readonly #queues = new Set<string>()
  #connection: ClusterConnection | null = null

  /** @internal use `cluster` or `connect` */
  constructor(options: ClusterOptions = {}) {
    checkOptions(options)
    const { namespace = 'tasktree', node = makeNodeName(), codec = cloneCodec } = options
    const { connector, ...connection } = stripOwn(options)
    checkName('the option namespace', namespace)
    checkName('the option node', node)
    if (connector !== undefined && typeof connector !== 'function') {
      throw new TypeError(`the option connector must be a function, got ${describe(connector)}`)
    }
    const durability = checkDurability(options)
    this.namespace = namespace
    this.node = node
    this.#link = new Link(
      namespace,
      node,
      checkedCodec(codec),
      options.inboxPrefix ?? '_INBOX',
      connector ?? (() => connectNats({ name: node, ...connection }, durability)),
    )
    this.#entry = new NodeEntry(this.#link)
    this.#asks = new OpenAsks(this.#link)
    this.#types = new KnownTypes(this.#link)
  }

  get status(): LinkStatus {
    return this.#link.status
  }

  /**
   * Returns the connection as a child. Children that use the cluster come after it, below a rest-for-one supervisor, which
   * restarts them together with the connection.
   */
  child(options: ChildOptions = {}): ChildSpec {
    return child.resource('cluster', () => new ClusterConnection(this.#link, this.#entry), options)
  }

  /**
   * Connects without a tree.
   *
   * @throws {ConnectFailed} when no connection to the server could be made
   * @throws {NoJetStream} when the server runs without JetStream
   */
  async connect(): Promise<this> {
    const connection = new ClusterConnection(this.#link, this.#entry)
    await connection.start()
    this.#connection = connection
    return this
  }

  /** Returns an executor that runs jobs on the workers of `queue`, on any machine. */
  executor(queue: string, options?: RemoteExecutorOptions): RemoteExecutor {
    const executor = RemoteExecutor.open(this.#link, queue, options)
    this.#queues.add(queue)
    return executor
  }

  /**
   * Returns a worker of `queue` as a child. It takes as many jobs as it has room for, runs them on this node, and sends
   * the results. `modules` has the functions that it can run: the URL of a module, as in `{ images: new
   * URL('./images.js', import.meta.url) }`, or an object of functions.
   *
   * @throws {TypeError} for wrong arguments; the message names what is wrong
   * @throws {RangeError} for arguments whose value is out of range
   */
  worker(queue: string, modules: WorkerModules, options?: WorkerOptions): ChildSpec {
    const { spec, running } = workerSpec(this.#link, queue, modules, options)
    this.#queues.add(queue)
    this.#entry.queues.set(queue, running)
    return spec
  }

  /**
   * Returns a child that gives the messages for `name` to an actor, and sends its answers. Several programs may serve one
   * name; each message goes to one of them. `ref` may be a function, which is called for each message. It is needed for an
   * actor of the same tree, because that actor does not exist yet.
   *
   * @throws {TypeError} for wrong arguments; the message names what is wrong
   * @throws {RangeError} for arguments whose value is out of range
   */
  service<A>(
    name: string,
    ref: ActorRef<A> | (() => ActorRef<A> | null),
    options?: ServiceOptions,
  ): ChildSpec {
    const spec = serviceSpec(this.#link, name, ref, options)
    this.#entry.services.add(name)
    return spec
  }

  /**
   * Runs `spec` on one node at a time, as a child. Give the same singleton to several nodes: one of them runs it, and the
   * others wait to take over. After an orderly stop another node takes over at once. When a node has died or is cut off,
   * another one takes over within 1.5 times `lease`. The first one has stopped it before that, unless its process is paused.
   *
   * @throws {TypeError} for wrong arguments; the message names what is wrong
   * @throws {RangeError} for arguments whose value is out of range
   *
   * @example
   *     import { ActorSystem, child } from '@tasktree/actor'
   *     import { MemoryServer } from '@tasktree/nats/testing'
   *
   *     const { connector } = new MemoryServer() // a program takes `servers` instead
   *     const billing = child.task('billing', () => sleepForever())
   *     await using system = await ActorSystem.start({
   *       name: 'app',
   *       children: [clusterTree('cluster', { connector }, (own) => [own.singleton('billing', billing)])],
   *     })
   *     console.log(system.root.status) // running
   */
  singleton(id: string, spec: ChildSpec, options: SingletonOptions = {}): ChildSpec {
    const made = singletonSpec(this.#link, id, spec, options, (isRunning) => {
      this.#entry.singletons.set(id, isRunning ? 'running' : 'waiting')
      this.#entry.changed()
    })
    this.#entry.singletons.set(id, 'waiting')
    return made
  }

  /**
   * Hosts a share of the keyed actors of a type, as a child. Give the same to several nodes: each key has one actor in the
   * cluster, which is started by its first message. When a node comes or goes, some of the actors move.
   *
   * @throws {TypeError} for wrong arguments; the message names what is wrong
   * @throws {RangeError} for arguments whose value is out of range
   */
  entity<A extends Actor, P extends unknown[]>(
    type: string,
    actorClass: ActorClass<A, P>,
    ...[options = {}]: EntityRest<A, P>
  ): ChildSpec {
    if (this.#entry.entities.has(type)) {
      throw new RangeError(`this node hosts the entity ${type} already`)
    }
    const { spec, status } = entitySpec(this.#link, type, actorClass, options, () =>
      this.#entry.changed(),
    )
    this.#entry.entities.set(type, () => ({
      shards: [...status.owned].toSorted((a, b) => a - b),
      active: status.active.size,
    }))
    return spec
  }

  /**
   * Returns a ref to the actor of `key`, on whichever node it is. This call sends nothing.
   *
   * @throws {TypeError} when `type`, `key` or an option is wrong
   */
  ref<A>(type: string, key: string, options: LookupOptions = {}): ActorRef<A> {
    checkName('the type of an entity', type)
    checkName('the key of an entity', key)
    checkLookup(options)
    const route = new EntityRoute(this.#types, this.#link, type, key)
    return new RemoteRef<A>(this.#asks, `${type}/${key}`, route, options)
  }

  /**
   * Returns a ref to the actors that serve `name`, on any node. This call sends nothing.
   *
   * @throws {TypeError} when `name` or an option is wrong
   */
  lookup<A>(name: string, options: LookupOptions = {}): ActorRef<A> {
    checkName('the name of a service', name)
    checkLookup(options)
    const route = new ServiceRoute(this.#link.names.service(name))
    return new RemoteRef<A>(this.#asks, name, route, options)
  }

  /** Returns the nodes that are connected, this one included. A node that died is listed for up to 5 more seconds. */
  async nodes(): Promise<NodeInfo[]> {
    await this.#entry.ensureWritten()
    return listNodes(this.#link)
  }

  /**
   * Returns the nodes, where the singletons and the entities are, and the numbers of jobs in the queues for which a node has
   * workers, or this node an executor.
   */
  async snapshot(): Promise<ClusterSnapshot> {
    await this.#entry.ensureWritten()
    return takeSnapshot(this.#link, this.namespace, this.#queues)
  }

  /** Ends the connection that `connect` has made. Calls that wait for it fail with ClusterClosed. */
  async [Symbol.asyncDispose](): Promise<void> {
    const connection = this.#connection
    this.#connection = null
    await connection?.close(true)
  }
}

function stripOwn(
  options: ClusterOptions,
): ConnectionOptions & { connector?: Connector | undefined } {
  const {
    namespace: _1,
    node: _2,
    codec: _3,
    replicas: _4,
    powerLossWarning: _5,
    ...rest
  } = options
  return rest
}

function makeNodeName(): string {
  return `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`
}

/**
 * Returns a cluster handle without a connection. Its `child()` connects.
 *
 * @throws {TypeError} when an option is of a wrong type; the message names the option
 * @throws {RangeError} when an option is out of range
 *
 * @example
 *     import { ActorSystem } from '@tasktree/actor'
 *     import { MemoryServer } from '@tasktree/nats/testing'
 *
 *     const { connector } = new MemoryServer() // a program takes `servers` instead
 *     const own = cluster({ connector })
 *     const images = { resize: async (name: string) => `${name} is small` }
 *     await using system = await ActorSystem.start({
 *       name: 'worker',
 *       children: [own.child(), own.worker('pictures', { images })],
 *     })
 *     console.log(system.root.countChildren().active) // 2
 */
export function cluster(options?: ClusterOptions): Cluster {
  return new Cluster(options)
}

/**
 * Returns a connected cluster handle, for programs without a tree.
 *
 * @throws {TypeError} when an option is of a wrong type; the message names the option
 * @throws {RangeError} when an option is out of range
 * @throws {ConnectFailed} when no connection to the server could be made
 * @throws {NoJetStream} when the server runs without JetStream
 *
 * @example
 *     import { MemoryServer } from '@tasktree/nats/testing'
 *
 *     const { connector } = new MemoryServer() // a program takes `servers` instead
 *     await using client = await connect({ connector })
 *     console.log(client.status) // connected
 */
export async function connect(options?: ClusterOptions): Promise<Cluster> {
  return new Cluster(options).connect()
}

/**
 * Returns a supervisor whose first child is the connection. It starts the other children when there is a connection, and
 * restarts them after each restart of the connection.
 *
 * @throws {TypeError} for wrong arguments; the message names what is wrong
 * @throws {RangeError} for arguments whose value is out of range
 *
 * @example
 *     import { ActorSystem } from '@tasktree/actor'
 *     import { MemoryServer } from '@tasktree/nats/testing'
 *
 *     const { connector } = new MemoryServer() // a program takes `servers` instead
 *     const images = { resize: async (name: string) => `${name} is small` }
 *     await using system = await ActorSystem.start({
 *       name: 'worker',
 *       children: [clusterTree('cluster', { connector }, (own) => [own.worker('pictures', { images })])],
 *     })
 *     console.log(system.root.status) // running
 */
export function clusterTree(
  id: string,
  options: ClusterOptions,
  children: (cluster: Cluster) => ChildSpec[],
): ChildSpec {
  if (typeof children !== 'function') {
    throw new TypeError(
      `clusterTree needs a function that returns the children, got ${describe(children)}`,
    )
  }
  const handle = cluster(options)
  const own: unknown = children(handle)
  if (!Array.isArray(own)) {
    throw new TypeError(
      `the function of clusterTree must return a list of children, got ${describe(own)}`,
    )
  }
  return child.supervisor(id, {
    strategy: 'rest-for-one',
    backoff: { min: 100, max: 5_000 },
    children: [handle.child(), ...(own as ChildSpec[])],
  })
}
