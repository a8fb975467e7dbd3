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
import { cancelTasks, createTask, Future, isCancelled, type Task } from '@tasktree/core'
import { checkOptions } from '@tasktree/core/lowlevel'
import type { Bus, Connector } from '../bus/bus.ts'
import { connectNats } from '../bus/connect-nats.ts'
import { checkDurability, type DurabilityOptions } from '../bus/durability.ts'
import { RemoteExecutor, type RemoteExecutorOptions } from '../executor/remote-executor.ts'
import { checkCodec, cloneCodec, type Codec } from '../wire/codec.ts'
import { checkName } from '../wire/names.ts'
import { OpenAsks } from '../services/open-asks.ts'
import { checkLookup, type LookupOptions, RemoteRef } from '../services/remote-ref.ts'
import { ServiceRoute } from '../services/route.ts'
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
import { type ClusterSnapshot, takeSnapshot } from './snapshot.ts'

/** The options of the NATS client, and these. */
export interface ClusterOptions extends ConnectionOptions, DurabilityOptions {
  /** Begins all names on the server, so that several clusters share one. @defaultValue 'tasktree' */
  namespace?: string
  /** Names this node; no other node may have the name. @defaultValue the host, the process and a random part */
  node?: string
  /** How arguments and results become bytes. @defaultValue cloneCodec */
  codec?: Codec
  /** Makes the connection, in place of the NATS client: for tests. */
  connector?: Connector
}

/** Milliseconds that what is on its way, such as cancels, has when the cluster is closed. */
const patience = 2_000

/**
 * One node's part in a cluster: its connection, and everything that goes over it. Made by `cluster`, which does not
 * connect: its `child()` does, as the first child of a tree.
 */
export class Cluster implements AsyncDisposable {
  readonly namespace: string
  readonly node: string
  readonly #link: Link
  readonly #entry: NodeEntry
  readonly #asks: OpenAsks
  readonly #types: KnownTypes
  readonly #queues = new Set<string>()
  #connection: Connection | null = null

  /** @internal use `cluster` or `connect` */
  constructor(options: ClusterOptions = {}) {
    checkOptions(options)
    const { namespace = 'tasktree', node = makeNodeName(), codec = cloneCodec } = options
    const { connector, ...connection } = stripOwn(options)
    checkName('the option namespace', namespace)
    checkName('the option node', node)
    checkCodec(codec)
    const durability = checkDurability(options)
    this.namespace = namespace
    this.node = node
    this.#link = new Link(
      namespace,
      node,
      codec,
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

  /** The connection as a child. What uses the cluster comes after it; a rest-for-one supervisor starts that again with it. */
  child(options: ChildOptions = {}): ChildSpec {
    return child.resource('cluster', () => new Connection(this.#link, this.#entry), options)
  }

  /** Connects without a tree. @throws {ConnectFailed} {NoJetStream} */
  async connect(): Promise<this> {
    const connection = new Connection(this.#link, this.#entry)
    await connection.start()
    this.#connection = connection
    return this
  }

  /** Runs jobs on the workers of `queue`, on any machine. */
  executor(queue: string, options?: RemoteExecutorOptions): RemoteExecutor {
    this.#queues.add(queue)
    return RemoteExecutor.open(this.#link, queue, options)
  }

  /**
   * A worker of `queue` as a child: takes as many jobs as it has room for, runs them here, and answers. `modules` names
   * what it can run: `{ images: new URL('./images.js', import.meta.url) }`, or functions in place of the URL.
   *
   * @throws {TypeError} {RangeError} naming what is wrong
   */
  worker(queue: string, modules: WorkerModules, options?: WorkerOptions): ChildSpec {
    const { spec, running } = workerSpec(this.#link, queue, modules, options)
    this.#queues.add(queue)
    this.#entry.queues.set(queue, running)
    return spec
  }

  /**
   * Answers the messages for `name` with an actor, as a child. Several programs may serve one name; each message goes to one
   * of them. `ref` may be a function, which is called for each message: for an actor of the same tree, which is not there yet.
   *
   * @throws {TypeError} {RangeError} naming what is wrong
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
   * another one takes over after `lease` to 1.5 times `lease`, and the first one has stopped it before that.
   *
   * @throws {TypeError} {RangeError} naming what is wrong
   * @example
   * clusterTree('cluster', { servers }, (cluster) => [
   *   cluster.singleton('billing', child.actor('billing', Billing)),
   * ])
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
   * @throws {TypeError} {RangeError} naming what is wrong
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

  /** The actor of `key`, on whichever node it is. Nothing is sent by this call. @throws {TypeError} */
  ref<A>(type: string, key: string, options: LookupOptions = {}): ActorRef<A> {
    checkName('the type of an entity', type)
    checkName('the key of an entity', key)
    checkLookup(options)
    const route = new EntityRoute(this.#types, this.#link, type, key)
    return new RemoteRef<A>(this.#asks, `${type}/${key}`, route, options)
  }

  /** The actors that answer to `name`, wherever they are. Nothing is sent by this call. @throws {TypeError} */
  lookup<A>(name: string, options: LookupOptions = {}): ActorRef<A> {
    checkName('the name of a service', name)
    checkLookup(options)
    const route = new ServiceRoute(this.#link.names.service(name))
    return new RemoteRef<A>(this.#asks, name, route, options)
  }

  /** The nodes that are there, this one included. A node that died is listed for at most 5 seconds. */
  nodes(): Promise<NodeInfo[]> {
    return listNodes(this.#link)
  }

  /** The nodes, and how many jobs wait and run in the queues that this node or another one uses. */
  snapshot(): Promise<ClusterSnapshot> {
    return takeSnapshot(this.#link, this.namespace, this.#queues)
  }

  /** Ends the connection that `connect` has made. What waits for it fails with ClusterClosed. */
  async [Symbol.asyncDispose](): Promise<void> {
    const connection = this.#connection
    this.#connection = null
    await connection?.[Symbol.asyncDispose]()
  }
}

/** One incarnation of the connection. */
class Connection implements AsyncDisposable {
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
    const keeping = createTask(() => this.#entry.keep(), { name: `node ${this.#link.node}` })
    this.#keeping = keeping
    keeping.addDoneCallback(() => {
      if (!keeping.cancelled()) this.#end(keeping.exception())
    })
  }

  #end(error: unknown): void {
    this.#failure ??= { error }
    if (this.#watcher?.done() === false) this.#watcher.setException(error)
  }

  /** Fails when the connection has ended by itself. */
  async wait(): Promise<void> {
    const watcher = new Future<void>()
    this.#watcher = watcher
    if (this.#failure !== null) watcher.setException(this.#failure.error)
    await watcher
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#keeping !== null) await cancelTasks([this.#keeping])
    const bus = this.#bus
    try {
      if (bus?.status === 'connected') await this.#entry.remove(bus)
    } catch (error) {
      // An entry that is not removed expires by itself.
      if (isCancelled(error)) throw error
    } finally {
      await this.#link.close(patience)
    }
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

/** A cluster handle, which is not connected yet: its `child()` connects. @throws {TypeError} naming the option that is wrong */
export function cluster(options?: ClusterOptions): Cluster {
  return new Cluster(options)
}

/** A connected cluster, for programs without a tree. @throws {ConnectFailed} {NoJetStream} */
export async function connect(options?: ClusterOptions): Promise<Cluster> {
  return new Cluster(options).connect()
}

/**
 * A supervisor whose first child is the connection. The others are started when it is up, and started again when it was
 * made anew.
 */
export function clusterTree(
  id: string,
  options: ClusterOptions,
  children: (cluster: Cluster) => ChildSpec[],
): ChildSpec {
  const handle = cluster(options)
  return child.supervisor(id, {
    strategy: 'rest-for-one',
    backoff: { min: 100, max: 5_000 },
    children: [handle.child(), ...children(handle)],
  })
}
