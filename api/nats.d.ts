// dist/bus/bus.d.ts
import type { Future } from '@tasktree/core';
export type Headers = Readonly<Record<string, string>>;
export declare const idHeader = "Nats-Msg-Id";
export interface BusMessage {
    readonly subject: string;
    readonly data: Uint8Array;
    header(name: string): string | null;
    readonly reply: string;
    readonly isNoResponders: boolean;
}
export interface Delivery {
    readonly subject: string;
    readonly data: Uint8Array;
    header(name: string): string | null;
    readonly headers: Headers;
    readonly count: number;
    readonly sequence: number;
    readonly storedAt: number;
    ack(): Future<void>;
    nak(delay?: number): void;
    working(): void;
    term(): void;
    remove(): Future<boolean>;
}
export interface StreamSettings {
    readonly name: string;
    readonly subjects: readonly string[];
    readonly retention: 'work' | 'limits';
    readonly maxMessages?: number | undefined;
    readonly maxPerSubject?: number;
    readonly maxAge?: number;
}
export interface ConsumerSettings {
    readonly stream: string;
    readonly name: string;
    readonly subject: string;
    readonly ackWait: number;
}
export interface ReaderSettings {
    readonly stream: string;
    readonly name: string;
    readonly subject: string;
    readonly from: number;
}
export interface StoredMessage {
    readonly sequence: number;
    readonly subject: string;
    readonly data: Uint8Array;
    readonly header: (name: string) => string | null;
}
export interface StreamState {
    readonly messages: number;
    readonly pending: number;
}
export interface Appended {
    readonly sequence: number;
    readonly duplicate: boolean;
}
export interface Puller {
    request(count: number): void;
    close(): void;
}
export interface PullListener {
    onDelivery(delivery: Delivery): void;
    onExpired(count: number): void;
    onHeartbeat(): void;
    onBroken(why: string): void;
}
export interface Entry {
    readonly value: Uint8Array;
    readonly revision: number;
}
export interface Bucket {
    create(key: string, value: Uint8Array): Future<number | null>;
    update(key: string, value: Uint8Array, revision: number): Future<number | null>;
    put(key: string, value: Uint8Array): Future<number>;
    get(key: string): Future<Entry | null>;
    delete(key: string, revision?: number): Future<void>;
    keys(): Future<string[]>;
}
export interface PublishOptions {
    readonly headers?: Headers | undefined;
    readonly reply?: string;
}
export type BusStatus = 'connected' | 'disconnected' | 'closed';
export interface Bus {
    readonly maxPayload: number;
    readonly status: BusStatus;
    readonly closedBy: Error | null;
    readonly server: string;
    onStatus(listener: (status: BusStatus) => void): () => void;
    now(): number;
    publish(subject: string, data: Uint8Array, options?: PublishOptions): void;
    subscribe(subject: string, listener: (message: BusMessage) => void, options?: {
        queue?: string;
    }): () => void;
    flush(): Future<void>;
    openStream(settings: StreamSettings): Future<void>;
    openConsumer(settings: ConsumerSettings | ReaderSettings): Future<void>;
    append(subject: string, data: Uint8Array, options: {
        id: string;
        headers?: Headers;
    }): Future<Appended>;
    deleteMessage(stream: string, sequence: number, id: string): Future<boolean>;
    readHeaders(stream: string, sequence: number, id: string): Future<Headers | null>;
    overlooked(settings: ConsumerSettings, from: number): Future<StoredMessage | null>;
    streamState(stream: string): Future<StreamState | null>;
    pull(stream: string, consumer: string, listener: PullListener): Puller;
    openBucket(name: string, ttl?: number): Future<Bucket>;
    close(): Future<void>;
}
export type Connector = () => Future<Bus> | PromiseLike<Bus>;

// dist/bus/connect-nats.d.ts
import { type ConnectionOptions } from '@nats-io/transport-node';
import { type Durability } from './durability.ts';
import { NatsBus } from './nats-bus.ts';
export declare function connectNats(options: ConnectionOptions, durability: Durability): Promise<NatsBus>;

// dist/bus/dead-handshake.d.ts
import type { NatsConnection } from '@nats-io/transport-node';
export declare function failDeadHandshake(connection: NatsConnection): void;

// dist/bus/durability.d.ts
export interface DurabilityOptions {
    replicas?: number;
    powerLossWarning?: boolean;
}
export interface Durability {
    readonly replicas: number;
    readonly powerLossWarning: boolean;
}
export declare function checkDurability(options: DurabilityOptions): Durability;
export declare function warnOfPowerLoss(servers: string, durability: Durability): void;

// dist/bus/guarded.d.ts
export declare function guarded<T>(subject: string, listener: (message: T) => void, message: T): void;

// dist/bus/lazy-message.d.ts
import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import type { Headers } from './bus.ts';
export declare function fromHeaders(headers: MsgHdrs | undefined): Headers;
export declare class LazyMessage {
    protected readonly message: Msg;
    constructor(message: Msg);
    get subject(): string;
    get data(): Uint8Array;
    header(name: string): string | null;
}

// dist/bus/message-size.d.ts
import type { Headers } from './bus.ts';
export declare function checkSize(what: string, data: Uint8Array, headers: Headers | undefined, limit: number): void;

// dist/bus/nats-bucket.d.ts
import { type StreamAPI } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import type { Future } from '@tasktree/core';
import type { Bucket, Entry } from './bus.ts';
import { type Requests } from './server-requests.ts';
import type { Pending } from './pending.ts';
export declare class NatsBucket implements Bucket {
    #private;
    constructor(name: string, kv: KV, streams: StreamAPI, requests: Requests, pending: Pending);
    create(key: string, value: Uint8Array): Future<number | null>;
    update(key: string, value: Uint8Array, revision: number): Future<number | null>;
    put(key: string, value: Uint8Array): Future<number>;
    get(key: string): Future<Entry | null>;
    delete(key: string, revision?: number): Future<void>;
    keys(): Future<string[]>;
}

// dist/bus/nats-bus.d.ts
import { type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { Future } from '@tasktree/core';
import { type Appended, type Bucket, type Bus, type BusMessage, type BusStatus, type ConsumerSettings, type Headers, type PublishOptions, type Puller, type PullListener, type ReaderSettings, type StoredMessage, type StreamSettings, type StreamState } from './bus.ts';
export declare class NatsBus implements Bus {
    #private;
    constructor(connection: NatsConnection, client: JetStreamClient, manager: JetStreamManager, replicas: number, inboxPrefix: string | undefined);
    get status(): BusStatus;
    get closedBy(): Error | null;
    get server(): string;
    get maxPayload(): number;
    now(): number;
    onStatus(listener: (status: BusStatus) => void): () => void;
    publish(subject: string, data: Uint8Array, options?: PublishOptions): void;
    subscribe(subject: string, listener: (message: BusMessage) => void, options?: {
        queue?: string;
    }): () => void;
    flush(): Future<void>;
    openStream(settings: StreamSettings): Future<void>;
    openConsumer(settings: ConsumerSettings | ReaderSettings): Future<void>;
    append(subject: string, data: Uint8Array, { id, headers: given }: {
        id: string;
        headers?: Headers;
    }): Future<Appended>;
    deleteMessage(stream: string, sequence: number, id: string): Future<boolean>;
    readHeaders(stream: string, sequence: number, id: string): Future<Headers | null>;
    overlooked(settings: ConsumerSettings, from: number): Future<StoredMessage | null>;
    streamState(stream: string): Future<StreamState | null>;
    pull(stream: string, consumer: string, listener: PullListener): Puller;
    openBucket(name: string, ttl?: number): Future<Bucket>;
    close(): Future<void>;
}

// dist/bus/nats-errors.d.ts
export declare const code: {
    readonly noJetStream: 10039;
    readonly noStream: 10059;
    readonly streamNameInUse: 10058;
    readonly subjectsOverlap: 10065;
    readonly noMessage: 10037;
    readonly noConsumer: 10014;
    readonly full: 10077;
};
export declare function isRefusal(error: unknown, number: number): boolean;
export declare function isWrongSequence(error: unknown): boolean;
export declare function translate(error: unknown, what: string): unknown;

// dist/bus/nats-puller.d.ts
import { type NatsConnection } from '@nats-io/transport-node';
import { type Puller, type PullListener } from './bus.ts';
import type { Requests } from './server-requests.ts';
export declare class NatsPuller implements Puller {
    #private;
    constructor(connection: NatsConnection, stream: string, consumer: string, inboxPrefix: string | undefined, requests: Requests, listener: PullListener);
    request(count: number): void;
    close(): void;
}

// dist/bus/nats-streams.d.ts
import { type JetStreamManager } from '@nats-io/jetstream';
import { type ConsumerSettings, type Headers, type ReaderSettings, type StoredMessage, type StreamSettings, type StreamState } from './bus.ts';
export declare class NatsStreams {
    #private;
    constructor(manager: JetStreamManager, replicas: number);
    open(settings: StreamSettings): Promise<void>;
    openConsumer(settings: ConsumerSettings | ReaderSettings): Promise<void>;
    readHeaders(stream: string, sequence: number, id: string): Promise<Headers | null>;
    overlooked({ stream, name, subject }: ConsumerSettings, from: number): Promise<StoredMessage | null>;
    state(stream: string): Promise<StreamState | null>;
}

// dist/bus/pending.d.ts
import { Future } from '@tasktree/core';
export declare class Pending {
    #private;
    follow<T>(call: () => Promise<T>): Future<T>;
    fail(error: Error): void;
    goOn(): void;
}

// dist/bus/server-requests.d.ts
import { JetStreamApiError } from '@nats-io/jetstream';
import { type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { Future } from '@tasktree/core';
export declare const answerTime = 5000;
export interface Request<T> {
    readonly what: string;
    readonly subject: string;
    readonly data: Uint8Array | string;
    readonly headers?: MsgHdrs;
    readonly read: (answer: Msg) => T | Future<T>;
}
export declare class Requests {
    #private;
    losses: number;
    constructor(connection: NatsConnection, inboxPrefix: string | undefined);
    send<T>(request: Request<T>): Future<T>;
    fail(error: Error): void;
    goOn(): void;
}
export interface Stored {
    readonly seq: number;
    readonly duplicate?: boolean;
}
export declare function readStored(answer: Msg): Stored | JetStreamApiError;

// dist/bus/stored-messages.d.ts
import type { Future } from '@tasktree/core';
import type { Requests } from './server-requests.ts';
export declare function ifStored<T>(requests: Requests, { stream, sequence, id }: {
    stream: string;
    sequence: number;
    id: string;
}, request: () => Future<T>, otherwise: T): Future<T>;
export declare function removeStored(requests: Requests, stream: string, sequence: number): Future<boolean>;

// dist/cluster/cluster-connection.d.ts
import type { Link } from '../link/link.ts';
import type { NodeEntry } from '../link/nodes.ts';
export declare class ClusterConnection implements AsyncDisposable {
    #private;
    constructor(link: Link, entry: NodeEntry);
    start(): Promise<void>;
    wait(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
    close(isFinal: boolean): Promise<void>;
}

// dist/cluster/cluster.d.ts
import type { ConnectionOptions } from '@nats-io/transport-node';
import { type Actor, type ActorClass, type ActorRef, type ChildOptions, type ChildSpec } from '@tasktree/actor';
import type { Connector } from '../bus/bus.ts';
import { type DurabilityOptions } from '../bus/durability.ts';
import { RemoteExecutor, type RemoteExecutorOptions } from '../executor/remote-executor.ts';
import { type Codec } from '../wire/codec.ts';
import { type LookupOptions } from '../services/remote-ref.ts';
import { type ServiceOptions } from '../services/service.ts';
import type { WorkerModules } from '../worker/modules.ts';
import { type WorkerOptions } from '../worker/worker.ts';
import type { EntityRest } from '../entities/entity-type.ts';
import { type SingletonOptions } from '../leases/singleton.ts';
import { type LinkStatus } from '../link/link.ts';
import { type NodeInfo } from '../link/nodes.ts';
import { type ClusterSnapshot } from './snapshot.ts';
export interface ClusterOptions extends ConnectionOptions, DurabilityOptions {
    namespace?: string;
    node?: string;
    codec?: Codec;
    connector?: Connector;
}
export declare class Cluster implements AsyncDisposable {
    #private;
    readonly namespace: string;
    readonly node: string;
    get status(): LinkStatus;
    child(options?: ChildOptions): ChildSpec;
    connect(): Promise<this>;
    executor(queue: string, options?: RemoteExecutorOptions): RemoteExecutor;
    worker(queue: string, modules: WorkerModules, options?: WorkerOptions): ChildSpec;
    service<A>(name: string, ref: ActorRef<A> | (() => ActorRef<A> | null), options?: ServiceOptions): ChildSpec;
    singleton(id: string, spec: ChildSpec, options?: SingletonOptions): ChildSpec;
    entity<A extends Actor, P extends unknown[]>(type: string, actorClass: ActorClass<A, P>, ...[options]: EntityRest<A, P>): ChildSpec;
    ref<A>(type: string, key: string, options?: LookupOptions): ActorRef<A>;
    lookup<A>(name: string, options?: LookupOptions): ActorRef<A>;
    nodes(): Promise<NodeInfo[]>;
    snapshot(): Promise<ClusterSnapshot>;
    [Symbol.asyncDispose](): Promise<void>;
}
export declare function cluster(options?: ClusterOptions): Cluster;
export declare function connect(options?: ClusterOptions): Promise<Cluster>;
export declare function clusterTree(id: string, options: ClusterOptions, children: (cluster: Cluster) => ChildSpec[]): ChildSpec;

// dist/cluster/snapshot.d.ts
import type { Link, LinkStatus } from '../link/link.ts';
import { type NodeInfo } from '../link/nodes.ts';
export interface QueueSnapshot {
    readonly waiting: number;
    readonly running: number;
    readonly delayed: number;
}
export interface EntitySnapshot {
    readonly shards: readonly (string | null)[];
    readonly active: number;
    readonly waiting: number | null;
}
export interface ClusterSnapshot {
    readonly namespace: string;
    readonly node: string;
    readonly status: LinkStatus;
    readonly nodes: readonly NodeInfo[];
    readonly queues: Readonly<Record<string, QueueSnapshot>>;
    readonly singletons: Readonly<Record<string, string | null>>;
    readonly entities: Readonly<Record<string, EntitySnapshot>>;
    readonly deadLetters: number;
}
export declare function takeSnapshot(link: Link, namespace: string, ownQueues: Iterable<string>): Promise<ClusterSnapshot>;

// dist/entities/activation.d.ts
import type { Actor, LocalActorRef } from '@tasktree/actor';
import type { ShardActors } from './shard-actors.ts';
export declare class Activation {
    #private;
    onEnd: (() => void) | null;
    constructor(actors: ShardActors, key: string);
    get(prepare: (actor: Actor) => void): Promise<LocalActorRef>;
    stop(detail?: unknown): Promise<void>;
}

// dist/entities/durable-entity.d.ts
import type { Delivery } from '../bus/bus.ts';
import type { MailboxShard } from './mailbox-shard.ts';
export declare class DurableEntity {
    #private;
    constructor(shard: MailboxShard, key: string);
    push(delivery: Delivery): void;
    close(): Promise<void>;
    abort(): void;
}

// dist/entities/entity-host.d.ts
import { type ChildSpec } from '@tasktree/actor';
import type { Lease } from '../leases/lease.ts';
import type { Link } from '../link/link.ts';
import { type EntityType } from './entity-type.ts';
export declare class HostStatus {
    readonly owned: Set<number>;
    readonly active: Set<object>;
}
export interface HostOptions {
    readonly link: Link;
    readonly type: EntityType;
    readonly status: HostStatus;
    readonly shardChildren: (shard: number, lease: Lease) => readonly ChildSpec[];
    readonly onChange: () => void;
}
export declare function hostChildren(options: HostOptions): ChildSpec[];

// dist/entities/entity-route.d.ts
import { Future } from '@tasktree/core';
import { type Bus } from '../bus/bus.ts';
import type { Link } from '../link/link.ts';
import { type Route, type Unnamed } from '../services/service-route.ts';
import type { RemoteAsk } from '../services/remote-ask.ts';
import { type AskMessage } from '../wire/ask-message.ts';
import type { KnownTypes } from './known-types.ts';
export declare class EntityRoute implements Route {
    #private;
    constructor(types: KnownTypes, link: Link, type: string, key: string);
    nameOf({ kind, method, body }: Unnamed): string | null;
    insists({ kind }: AskMessage): boolean;
    ask(ask: RemoteAsk, _bus: Bus, left: number): void;
    tell(link: Link, message: AskMessage): Future<boolean>;
    noResponders(ask: RemoteAsk): void;
    withdraw(link: Link, ask: RemoteAsk): void;
}

// dist/entities/entity-type.d.ts
import { Actor, type ActorClass, type ChildOptions } from '@tasktree/actor';
export interface StateCodec<A, S = unknown> {
    save(actor: A): S;
    load(actor: A, state: S): void;
}
export interface EntityOptions<A, P extends unknown[] = unknown[]> extends ChildOptions {
    args?: (key: string) => P;
    shards?: number;
    state?: StateCodec<A, any>;
    idleTimeout?: number;
    mailbox?: {
        capacity?: number;
    };
    lease?: number;
}
export type AnyEntityOptions = EntityOptions<any, any>;
export type EntityRest<A, P extends unknown[]> = [] extends P ? [options?: EntityOptions<A, P>] : [string] extends P ? [options?: EntityOptions<A, P>] : [options: EntityOptions<A, P> & {
    args: (key: string) => P;
}];
export interface EntityTerms {
    readonly shards: number;
    readonly isDurable: boolean;
    readonly lease: number;
}
export interface EntityType {
    readonly name: string;
    readonly actorClass: ActorClass<Actor, any[]>;
    readonly args: (key: string) => readonly unknown[];
    readonly state: StateCodec<Actor> | null;
    readonly terms: EntityTerms;
    readonly idleTimeout: number;
    readonly capacity: number;
    readonly shutdown: number | 'kill';
}
export declare function checkEntity(name: string, actorClass: ActorClass<Actor, any[]>, options: AnyEntityOptions): {
    type: EntityType;
    supervision: ChildOptions;
};
export declare function termsKey(type: string): string;

// dist/entities/entity.d.ts
export {};

// dist/entities/idle-timer.d.ts
export declare class IdleTimer {
    #private;
    constructor(timeout: number, onIdle: () => void);
    used(): void;
    cancel(): void;
}

// dist/entities/known-types.d.ts
import type { Link } from '../link/link.ts';
import { type EntityTerms } from './entity-type.ts';
type Found = {
    readonly terms: EntityTerms | null;
} | {
    readonly error: unknown;
};
type Listener = (found: Found) => void;
export declare class KnownTypes {
    #private;
    constructor(link: Link);
    find(type: string, listener: Listener): void;
}
export declare function readTerms(link: Link, type: string): Promise<EntityTerms | null>;
export {};

// dist/entities/mailbox-shard.d.ts
import type { Actor } from '@tasktree/actor';
import { type Delivery } from '../bus/bus.ts';
import type { Lease } from '../leases/lease.ts';
import type { Link } from '../link/link.ts';
import type { HostStatus } from './entity-host.ts';
import type { EntityType, StateCodec } from './entity-type.ts';
import type { ShardActors } from './shard-actors.ts';
import { StateStore } from './state-store.ts';
export interface MailboxShardOptions {
    readonly link: Link;
    readonly type: EntityType;
    readonly codec: StateCodec<Actor>;
    readonly shard: number;
    readonly lease: Lease;
    readonly actors: ShardActors;
    readonly status: HostStatus;
}
export declare class MailboxShard implements AsyncDisposable {
    #private;
    readonly options: MailboxShardOptions;
    readonly store: StateStore;
    isClosing: boolean;
    constructor(options: MailboxShardOptions);
    start(): void;
    wait(): Promise<void>;
    fail(error: unknown): void;
    readonly batch: number;
    get room(): number;
    take(delivery: Delivery): void;
    done(delivery: Delivery): void;
    forget(key: string): void;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/entities/memory-entity.d.ts
import type { Bus } from '../bus/bus.ts';
import { type AskMessage } from '../wire/ask-message.ts';
import type { RequestShard } from './request-shard.ts';
export declare class MemoryEntity {
    #private;
    constructor(shard: RequestShard, key: string);
    receive(bus: Bus, reply: string, message: AskMessage): void;
    abort(): void;
    close(): Promise<void>;
}

// dist/entities/placement.d.ts
export declare function shardOf(key: string, shards: number): number;
export declare function rightHost(hosts: Iterable<string>, shard: number): string;

// dist/entities/recent-ids.d.ts
export declare const mostIdBytes: number;
export type RecentIds = Uint8Array;
export declare const noIds: RecentIds;
export declare function hasId(ids: RecentIds, id: string): boolean;
export declare function addId(ids: RecentIds, id: string, storedAt: number): RecentIds;

// dist/entities/request-shard.d.ts
import type { Lease } from '../leases/lease.ts';
import type { Link } from '../link/link.ts';
import type { HostStatus } from './entity-host.ts';
import type { EntityType } from './entity-type.ts';
import type { ShardActors } from './shard-actors.ts';
export declare class RequestShard implements AsyncDisposable {
    #private;
    readonly link: Link;
    readonly type: EntityType;
    readonly actors: ShardActors;
    readonly status: HostStatus;
    constructor(link: Link, type: EntityType, shard: number, lease: Lease, actors: ShardActors, status: HostStatus);
    start(): Promise<void>;
    forget(key: string): void;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/entities/shard-actors.d.ts
import { Actor, type ChildSpec, type LocalActorRef } from '@tasktree/actor';
import type { EntityType } from './entity-type.ts';
export declare class ShardActors {
    #private;
    constructor(type: EntityType);
    spec(): ChildSpec;
    warn(text: string, error: unknown): void;
    start(key: string, prepare: (actor: Actor) => void): Promise<LocalActorRef>;
}

// dist/entities/state-store.d.ts
import type { Link } from '../link/link.ts';
import { type RecentIds } from './recent-ids.ts';
export interface StoredState {
    readonly revision: number;
    readonly sequence: number;
    readonly at: number;
    readonly data: Uint8Array | null;
    readonly recent: RecentIds;
}
export declare class StateStore {
    #private;
    constructor(link: Link, type: string);
    load(key: string): Promise<StoredState>;
    save(key: string, before: StoredState, next: Omit<StoredState, 'revision'>, epoch: number): Promise<StoredState | null>;
}

// dist/errors.d.ts
export declare class ConnectFailed extends Error {
    readonly name: string;
    readonly code: string;
    constructor(servers: string, why: string, options?: ErrorOptions);
}
export declare class NoJetStream extends Error {
    readonly name: string;
    readonly code: string;
    constructor(server: string, options?: ErrorOptions);
}
export declare class ClusterClosed extends Error {
    readonly name: string;
    readonly code: string;
    constructor();
}
export declare class ConnectionLost extends Error {
    readonly name: string;
    readonly code: string;
    readonly delivered: false | 'unknown';
    constructor(what: string, delivered: false | 'unknown');
}
export declare class NodeLost extends Error {
    readonly name: string;
    readonly code: string;
    readonly node: string;
    readonly delivered: 'unknown';
    constructor(path: string, node: string);
}
export declare class QueueFull extends Error {
    readonly name: string;
    readonly code: string;
    readonly queue: string;
    constructor(queue: string, options?: ErrorOptions);
}
export declare class PayloadTooLarge extends Error {
    readonly name: string;
    readonly code: string;
    readonly size: number;
    readonly limit: number;
    constructor(what: string, size: number, limit: number);
}
export declare class ResultTooLarge extends Error {
    readonly name: string;
    readonly code: string;
    constructor(job: string, size: number, limit: number);
}
export declare class UnknownJob extends Error {
    readonly name: string;
    readonly code: string;
    readonly job: string;
    constructor(job: string, queue: string, known: readonly string[]);
}
export declare class PoisonedJob extends Error {
    readonly name: string;
    readonly code: string;
    readonly job: string;
    readonly deliveries: number;
    constructor(job: string, deliveries: number, why: string, options?: ErrorOptions);
}
export declare class ConsumerStalled extends Error {
    readonly name: string;
    readonly code: string;
    constructor(stream: string, why: string);
}
export declare class BusTimeout extends Error {
    readonly name: string;
    readonly code: string;
    constructor(what: string, options?: ErrorOptions);
}
export declare class StreamFull extends Error {
    readonly name: string;
    readonly code: string;
    constructor(subject: string, options?: ErrorOptions);
}
export declare class LeaseLost extends Error {
    readonly name: string;
    readonly code: string;
    constructor(key: string, why: string);
}
export declare class SettingsDiffer extends Error {
    readonly name: string;
    readonly code: string;
    constructor(what: string, own: string, agreed: string, where: string);
}
export declare class Fenced extends Error {
    readonly name: string;
    readonly code: string;
    readonly entity: string;
    constructor(entity: string);
}

// dist/executor/cancel-job.d.ts
import type { Link } from '../link/link.ts';
import type { JobMessage } from '../wire/job-message.ts';
export interface JobPlace {
    readonly stream: string;
    readonly sequence: number;
    readonly id: string;
}
export declare function cancelJob(link: Link, { id, resultTtl, mayBeKnown }: JobMessage, place: JobPlace | null): Promise<void>;

// dist/executor/remote-executor.d.ts
import { type Executor, type ExecutorStats, type GeneratorJob, type Job, type MapOptions } from '@tasktree/executor';
import type { RemoteJob } from './remote-job.ts';
export interface RemoteExecutorOptions {
    maxInFlight?: number;
    resultTtl?: number;
    deadline?: number;
    capacity?: number;
}
export interface SubmitOptions {
    id?: string;
    delay?: number;
    deadline?: number;
}
export declare class RemoteExecutor implements Executor {
    #private;
    with(options: SubmitOptions): RemoteExecutor;
    submit<A extends unknown[], Y, R>(job: GeneratorJob<A, Y, R>, ...args: A): RemoteJob<R>;
    submit<A extends unknown[], R>(job: Job<A, R>, ...args: A): RemoteJob<R>;
    map<T, R>(job: Job<[T], R>, items: Iterable<T> | AsyncIterable<T>, options?: MapOptions): AsyncIterable<R>;
    get stats(): ExecutorStats;
    shutdown(options?: {
        wait?: boolean;
        cancelFutures?: boolean;
    }): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/executor/remote-job.d.ts
import { Future } from '@tasktree/core';
import { JobFuture } from '@tasktree/executor';
import type { JobControl } from '@tasktree/executor/lowlevel';
export declare class RemoteJob<R> extends JobFuture<R> {
    readonly id: string;
    readonly accepted: Future<void>;
    constructor(id: string, control: JobControl);
    [Symbol.asyncIterator](): never;
}

// dist/executor/remote-jobs.d.ts
import type { JobRefs } from '@tasktree/executor';
export declare function remoteJobs<M>(id: string, options?: {
    version?: string;
}): JobRefs<M>;

// dist/executor/result-search.d.ts
import type { Link } from '../link/link.ts';
import type { Submission } from './submission.ts';
export declare class ResultSearch {
    #private;
    constructor(link: Link, queue: string, resultTtl: number, inFlight: ReadonlySet<Submission>);
    connected(): void;
    begin(): void;
    stop(): void;
    lookForDuplicate(submission: Submission): Promise<void>;
}

// dist/executor/submission-queue.d.ts
import type { JobRef } from '@tasktree/executor';
import { SubmitStacks } from '@tasktree/executor/lowlevel';
import type { Link } from '../link/link.ts';
import type { Submission, SubmissionOwner } from './submission.ts';
export interface Settings {
    readonly maxInFlight: number;
    readonly resultTtl: number;
    readonly deadline: number;
    readonly capacity: number | undefined;
}
export declare class SubmissionQueue implements SubmissionOwner {
    #private;
    readonly link: Link;
    readonly queue: string;
    readonly settings: Settings;
    isShutDown: boolean;
    completed: number;
    failed: number;
    constructor(link: Link, queue: string, settings: Settings);
    stacksOf(job: JobRef<unknown[], unknown>): SubmitStacks;
    get waiting(): number;
    get running(): number;
    add(submission: Submission): void;
    ended(submission: Submission, how: 'completed' | 'failed' | 'cancelled'): void;
    cancelAll(): void;
    untilIdle(): Promise<void>;
}

// dist/executor/submission.d.ts
import type { Linked, LinkedList } from '@tasktree/core/lowlevel';
import { type MappedJob, type SubmitStack, type SubmitStacks } from '@tasktree/executor/lowlevel';
import type { Link } from '../link/link.ts';
import { type JobMessage } from '../wire/job-message.ts';
import { RemoteJob } from './remote-job.ts';
export interface SubmissionOwner {
    readonly link: Link;
    readonly queue: string;
    ended(submission: Submission, how: 'completed' | 'failed' | 'cancelled'): void;
}
export declare class Submission implements MappedJob, Linked<Submission> {
    #private;
    list: LinkedList<Submission> | null;
    nextInList: Submission | null;
    previousInList: Submission | null;
    readonly future: RemoteJob<unknown>;
    submitted: SubmitStack;
    isDuplicate: boolean;
    resultTtl: number;
    constructor(owner: SubmissionOwner, message: JobMessage, body: Uint8Array, stacks: SubmitStacks);
    get isStarted(): boolean;
    get isAccepted(): boolean;
    get id(): string;
    get job(): string;
    send(): Promise<void>;
    readFirst(): Promise<boolean>;
    sendAgain(): Promise<void>;
    settle(record: Uint8Array): void;
    fail(error: unknown): void;
}

// dist/index.d.ts
export type { Bus, BusStatus, Connector } from './bus/bus.ts';
export type { DurabilityOptions } from './bus/durability.ts';
export { Cluster, cluster, type ClusterOptions, clusterTree, connect } from './cluster/cluster.ts';
export type { EntityShare, NodeInfo } from './link/nodes.ts';
export type { ClusterSnapshot, EntitySnapshot, QueueSnapshot } from './cluster/snapshot.ts';
export { BusTimeout, ClusterClosed, ConnectFailed, ConnectionLost, ConsumerStalled, Fenced, LeaseLost, NodeLost, NoJetStream, PayloadTooLarge, PoisonedJob, QueueFull, ResultTooLarge, SettingsDiffer, UnknownJob, } from './errors.ts';
export { RemoteExecutor, type RemoteExecutorOptions, type SubmitOptions, } from './executor/remote-executor.ts';
export { RemoteJob } from './executor/remote-job.ts';
export { remoteJobs } from './executor/remote-jobs.ts';
export type { EntityOptions, EntityRest, StateCodec } from './entities/entity-type.ts';
export type { SingletonOptions } from './leases/singleton.ts';
export { type LookupOptions, RemoteRef } from './services/remote-ref.ts';
export type { ServiceOptions } from './services/service.ts';
export { cloneCodec, type Codec, jsonCodec } from './wire/codec.ts';
export { traceparent } from './wire/trace.ts';
export type { Handlers, WorkerModules } from './worker/modules.ts';
export type { WorkerOptions } from './worker/worker.ts';

// dist/leases/agreement.d.ts
import type { Link } from '../link/link.ts';
export declare function agreeOn(link: Link, what: string, key: string, settings: object): Promise<void>;
export declare function readAgreement(link: Link, key: string): Promise<unknown>;

// dist/leases/lease.d.ts
import { LeaseLost } from '../errors.ts';
import type { Link } from '../link/link.ts';
export declare const leastLease = 200;
export interface LeaseSettings {
    readonly key: string;
    readonly ttl: number;
}
export declare class Lease {
    #private;
    readonly epoch: number;
    loss: LeaseLost | null;
    onLost: (() => void) | null;
    constructor(link: Link, settings: LeaseSettings, value: Uint8Array, revision: number, confirmedAt: number);
    get margin(): number;
    get isHeld(): boolean;
    keep(): Promise<never>;
    verify(): void;
    release(): Promise<void>;
}
export declare function acquireLease(link: Link, settings: LeaseSettings): Promise<Lease>;

// dist/leases/leased.d.ts
import { type ChildOptions, type ChildSpec } from '@tasktree/actor';
import type { Link } from '../link/link.ts';
import { type Lease, type LeaseSettings } from './lease.ts';
export interface LeasedOptions {
    readonly id: string;
    readonly lease: LeaseSettings;
    readonly agreement?: {
        readonly what: string;
        readonly settings: object;
    };
    readonly children: (lease: Lease) => readonly ChildSpec[];
    readonly onChange?: (isRunning: boolean) => void;
    readonly supervision: ChildOptions;
}
export declare function leasedSpec(link: Link, options: LeasedOptions): ChildSpec;

// dist/leases/singleton.d.ts
import type { ChildOptions } from '@tasktree/actor';
export interface SingletonOptions extends ChildOptions {
    lease?: number;
}
export declare function checkLease(lease: number): number;

// dist/link/answers.d.ts
import type { BusMessage } from '../bus/bus.ts';
export declare class Answers {
    #private;
    readonly token: string;
    constructor(prefix: string);
    get subject(): string;
    newSubject(): string;
    expect(subject: string, listener: (message: BusMessage) => void): void;
    forget(subject: string): void;
    receive(message: BusMessage): void;
}

// dist/link/end-subscription.d.ts
import type { Bus } from '../bus/bus.ts';
export declare function endSubscription(bus: Bus, unsubscribe: (() => void) | null): Promise<void>;

// dist/link/job-results.d.ts
import type { Link } from './link.ts';
export declare class JobResults {
    #private;
    constructor(link: Link);
    announce(ttl: number): Promise<void>;
    times(ttl: number): Promise<readonly number[]>;
    find(id: string, times: readonly number[]): Promise<Uint8Array | null>;
    record(id: string, ttl: number, record: Uint8Array, mayBeElsewhere: boolean): Promise<Uint8Array>;
}

// dist/link/lazy-bucket.d.ts
import { Future } from '@tasktree/core';
import type { Bucket, Entry } from '../bus/bus.ts';
export declare class LazyBucket implements Bucket {
    #private;
    constructor(open: () => Future<Bucket>);
    create(key: string, value: Uint8Array): Future<number | null>;
    update(key: string, value: Uint8Array, revision: number): Future<number | null>;
    put(key: string, value: Uint8Array): Future<number>;
    get(key: string): Future<Entry | null>;
    delete(key: string, revision?: number): Future<void>;
    keys(): Future<string[]>;
}

// dist/link/link.d.ts
import { Future } from '@tasktree/core';
import type { Bucket, Bus, BusStatus, Connector } from '../bus/bus.ts';
import type { Codec } from '../wire/codec.ts';
import { Names } from '../wire/names.ts';
import { Answers } from './answers.ts';
import { ReceivedCancels } from './received-cancels.ts';
import { JobResults } from './job-results.ts';
export type LinkStatus = BusStatus | 'idle';
export declare class Link {
    #private;
    readonly names: Names;
    readonly node: string;
    readonly codec: Codec;
    readonly answers: Answers;
    readonly receivedCancels: ReceivedCancels;
    readonly jobResults: JobResults;
    constructor(namespace: string, node: string, codec: Codec, inboxPrefix: string, connector: Connector);
    get status(): LinkStatus;
    jitter(): number;
    now(): number;
    open(): Promise<Bus>;
    onStatus(listener: (status: LinkStatus) => void): () => void;
    connected(): Promise<Bus>;
    current(): Bus | null;
    insist<T>(work: (bus: Bus) => Future<T> | Promise<T>): Promise<T>;
    bucket(bus: Bus, name: string, ttl: number): Bucket;
    results(bus: Bus, ttl: number): Bucket;
    cancels(bus: Bus): Bucket;
    start(name: string, body: () => Promise<void>): void;
    close(patience: number, isFinal: boolean): Promise<void>;
    get hasEnded(): boolean;
}

// dist/link/nodes.d.ts
import type { Bus } from '../bus/bus.ts';
import type { Link } from './link.ts';
export interface NodeInfo {
    readonly node: string;
    readonly host: string;
    readonly pid: number;
    readonly startedAt: number;
    readonly queues: Readonly<Record<string, number>>;
    readonly services: readonly string[];
    readonly singletons: Readonly<Record<string, 'running' | 'waiting'>>;
    readonly entities: Readonly<Record<string, EntityShare>>;
}
export interface EntityShare {
    readonly shards: readonly number[];
    readonly active: number;
}
export declare class NodeEntry {
    #private;
    readonly queues: Map<string, () => number>;
    readonly services: Set<string>;
    readonly singletons: Map<string, 'running' | 'waiting'>;
    readonly entities: Map<string, () => EntityShare>;
    constructor(link: Link);
    describe(): NodeInfo;
    changed(): void;
    keep(): Promise<never>;
    ensureWritten(): Promise<void>;
    remove(bus: Bus): Promise<void>;
}
export declare function listNodes(link: Link): Promise<NodeInfo[]>;
export declare function isNodeThere(link: Link, node: string): Promise<boolean>;

// dist/link/open-queue.d.ts
import type { Link } from './link.ts';
export declare function openQueue(link: Link, queue: string, capacity?: number): Promise<void>;

// dist/link/pull-loop.d.ts
import type { ConsumerSettings, Delivery, ReaderSettings } from '../bus/bus.ts';
import type { Link } from './link.ts';
export interface Receiver {
    readonly batch?: number;
    readonly room: number;
    take(delivery: Delivery): void;
}
export declare class PullLoop {
    #private;
    constructor(link: Link, settings: ConsumerSettings | (() => ReaderSettings), receiver: Receiver);
    roomier(): void;
    run(): Promise<never>;
}

// dist/link/received-cancels.d.ts
import type { BusMessage } from '../bus/bus.ts';
import type { Names } from '../wire/names.ts';
export declare const cancelTtl = 3600000;
export declare class ReceivedCancels {
    #private;
    readonly subject: string;
    constructor(names: Names, now: () => number);
    receive(message: BusMessage): void;
    wasCancelled(id: string): boolean;
    expect(id: string, listener: () => void): () => void;
}

// dist/link/signal.d.ts
export declare class Signal {
    #private;
    notify(): void;
    wait(ms?: number): Promise<void>;
}

// dist/link/stall-watchdog.d.ts
import type { Bus } from '../bus/bus.ts';
export declare const checkInterval = 2500;
export declare class StallWatchdog {
    #private;
    constructor(bus: Bus, stream: string);
    heard(): void;
    broke(why: string): void;
    checkRequests(): void;
    checkSilence(): void;
}

// dist/services/forward.d.ts
import { type ActorRef } from '@tasktree/actor';
import { type Context, Future } from '@tasktree/core';
import type { Bus } from '../bus/bus.ts';
import { type AskMessage } from '../wire/ask-message.ts';
import type { Codec } from '../wire/codec.ts';
import { type Outcome } from '../wire/outcome.ts';
export type AnyRef = ActorRef<any>;
export declare function forward(what: string, message: AskMessage, codec: Codec, choose: (options: {
    readonly context?: Context;
}) => unknown): Future<unknown>;
export declare function answer(bus: Bus, codec: Codec, reply: string, what: string, outcome: Outcome): void;

// dist/services/open-asks.d.ts
import type { ExitReason } from '@tasktree/actor';
import { Future } from '@tasktree/core';
import type { Link } from '../link/link.ts';
import type { RemoteAsk } from './remote-ask.ts';
export declare class OpenAsks {
    #private;
    readonly link: Link;
    constructor(link: Link);
    newId(): string;
    add(ask: RemoteAsk): void;
    delete(ask: RemoteAsk): void;
    untilStopped(): Future<ExitReason>;
    watch(): void;
}

// dist/services/remote-ask.d.ts
import { type CancelledError, Future } from '@tasktree/core';
import { type AskMessage } from '../wire/ask-message.ts';
import type { OpenAsks } from './open-asks.ts';
import type { Route } from './service-route.ts';
export interface RemoteAskOptions {
    readonly path: string;
    readonly route: Route;
    readonly message: AskMessage;
    readonly waits: boolean;
}
export declare class RemoteAsk extends Future<unknown> {
    #private;
    readonly reply: string;
    node: string | null;
    constructor(owner: OpenAsks, options: RemoteAskOptions);
    get path(): string;
    get message(): AskMessage;
    noProc(): void;
    overloaded(): void;
    lost(delivered: false | 'unknown'): void;
    sendLater(): void;
    confirmed(): void;
    refuse(error: unknown): void;
    cancel(msg?: string | CancelledError): boolean;
}

// dist/services/remote-ref.d.ts
import type { ActorRef, Ask, ExitReason, Tell } from '@tasktree/actor';
import { type Future } from '@tasktree/core';
export interface LookupOptions {
    overflow?: 'wait' | 'reject';
}
export declare class RemoteRef<A> implements ActorRef<A> {
    #private;
    readonly path: string;
    readonly ask: Ask<A>;
    readonly tell: Tell<A>;
    get whenStopped(): Future<ExitReason>;
}
export declare function checkLookup(options: LookupOptions): void;

// dist/services/service-route.d.ts
import type { Future } from '@tasktree/core';
import type { Bus } from '../bus/bus.ts';
import type { Link } from '../link/link.ts';
import { type AskMessage } from '../wire/ask-message.ts';
import type { RemoteAsk } from './remote-ask.ts';
export type Unnamed = Pick<AskMessage, 'kind' | 'method' | 'body'>;
export interface Route {
    nameOf(message: Unnamed): string | null;
    ask(ask: RemoteAsk, bus: Bus, left: number): void;
    tell(link: Link, message: AskMessage): Future<boolean>;
    noResponders(ask: RemoteAsk): void;
    withdraw(link: Link, ask: RemoteAsk): void;
    insists(message: AskMessage): boolean;
}
export declare function announceCancel(link: Link, { message }: RemoteAsk): void;
export declare function publishAsk(subject: string, ask: RemoteAsk, bus: Bus, left: number): void;
export declare class ServiceRoute implements Route {
    #private;
    constructor(subject: string);
    nameOf(): null;
    ask(ask: RemoteAsk, bus: Bus, left: number): void;
    tell(link: Link, message: AskMessage): Future<boolean>;
    noResponders(ask: RemoteAsk): void;
    withdraw(link: Link, ask: RemoteAsk): void;
    insists(): boolean;
}

// dist/services/service.d.ts
import { type ChildOptions } from '@tasktree/actor';
export interface ServiceOptions extends ChildOptions {
    maxPending?: number;
}

// dist/testing.d.ts
export { MemoryBus } from './testing/memory-bus.ts';
export { MemoryServer, type MemoryServerOptions } from './testing/memory-server.ts';

// dist/testing/memory-bus.d.ts
import { Future } from '@tasktree/core';
import { type Appended, type Bucket, type Bus, type BusMessage, type BusStatus, type ConsumerSettings, type Headers, type PublishOptions, type Puller, type PullListener, type ReaderSettings, type StoredMessage, type StreamSettings, type StreamState } from '../bus/bus.ts';
export declare class MemoryBus implements Bus {
    #private;
    readonly server: string;
    readonly closedBy: Error | null;
    get maxPayload(): number;
    get status(): BusStatus;
    get isReachable(): boolean;
    now(): number;
    onStatus(listener: (status: BusStatus) => void): () => void;
    cut(): void;
    restore(): void;
    kill(): void;
    get isStalled(): boolean;
    set isStalled(isStalled: boolean);
    toClient(act: () => void): void;
    publish(subject: string, data: Uint8Array, options?: PublishOptions): void;
    subscribe(subject: string, listener: (message: BusMessage) => void, options?: {
        queue?: string;
    }): () => void;
    flush(): Future<void>;
    openStream(settings: StreamSettings): Future<void>;
    openConsumer(settings: ConsumerSettings | ReaderSettings): Future<void>;
    append(subject: string, data: Uint8Array, options: {
        id: string;
        headers?: Headers;
    }): Future<Appended>;
    deleteMessage(name: string, sequence: number, id: string): Future<boolean>;
    readHeaders(name: string, sequence: number, id: string): Future<Headers | null>;
    overlooked({ stream, name }: ConsumerSettings, from: number): Future<StoredMessage | null>;
    streamState(stream: string): Future<StreamState | null>;
    pull(streamName: string, consumer: string, listener: PullListener): Puller;
    openBucket(name: string, ttl?: number): Future<Bucket>;
    close(): Future<void>;
}

// dist/testing/memory-server.d.ts
import { type BusMessage, type Connector, type Headers, type StreamSettings } from '../bus/bus.ts';
import { MemoryBus } from './memory-bus.ts';
import { MemoryStream } from './memory-stream.ts';
export interface MemoryServerOptions {
    seed?: number;
    latency?: number;
    maxPayload?: number;
}
interface BucketEntry {
    readonly value: Uint8Array;
    readonly revision: number;
    readonly expiresAt: number;
}
export interface MemoryBucketState {
    readonly ttl: number;
    readonly entries: Map<string, BucketEntry>;
}
export declare class MemoryServer {
    #private;
    readonly maxPayload: number;
    constructor(options?: MemoryServerOptions);
    get connector(): Connector;
    restart(): void;
    get connections(): readonly MemoryBus[];
    random(): number;
    delay(): number;
    subscribe(bus: MemoryBus, subject: string, queue: string | null, listener: (message: BusMessage) => void): () => void;
    publish(from: MemoryBus, subject: string, data: Uint8Array, headers: Headers, reply: string): void;
    openStream(settings: StreamSettings): void;
    stream(name: string): MemoryStream | null;
    streamOf(subject: string): MemoryStream | null;
    bucket(name: string, ttl: number): MemoryBucketState;
    entry(bucket: MemoryBucketState, key: string): BucketEntry | null;
    write(bucket: MemoryBucketState, key: string, value: Uint8Array): number;
    disconnected(bus: MemoryBus): void;
    forgetSubscriptions(bus: MemoryBus): void;
}
export {};

// dist/testing/memory-stream.d.ts
import { type ConsumerSettings, type Headers, type ReaderSettings, type StreamSettings, type StreamState } from '../bus/bus.ts';
export declare function matches(pattern: readonly string[], subject: readonly string[]): boolean;
export interface MemoryMessage {
    readonly sequence: number;
    readonly subject: string;
    readonly data: Uint8Array;
    readonly headers: Headers;
    readonly storedAt: number;
}
export type Deliver = (message: MemoryMessage, count: number) => void;
export interface Asker {
    readonly connection: object;
}
export declare class MemoryStream {
    #private;
    settings: StreamSettings;
    readonly messages: Map<number, MemoryMessage>;
    constructor(settings: StreamSettings, late: (ms: number) => number);
    append(subject: string, data: Uint8Array, id: string, headers: Headers): {
        sequence: number;
        duplicate: boolean;
    };
    forget(): void;
    has(sequence: number, id: string | null): boolean;
    delete(sequence: number): boolean;
    consumer(settings: ConsumerSettings | ReaderSettings): MemoryConsumer;
    find(consumer: string): MemoryConsumer | null;
    withdraw(connection: object): void;
    get state(): StreamState;
}
export declare class MemoryConsumer {
    #private;
    constructor(stream: MemoryStream, settings: ConsumerSettings | ReaderSettings, late: (ms: number) => number);
    get pending(): number;
    overlooked(from: number): MemoryMessage | null;
    request(asker: Asker, count: number, deliver: Deliver): void;
    hasRequest(asker: Asker): boolean;
    withdraw(from: Asker | Asker['connection']): void;
    dispatch(): void;
    nak(sequence: number, delay: number): void;
    working(sequence: number): void;
    forget(sequence: number): void;
}

// dist/wire/ask-message.d.ts
import type { BusMessage, Headers } from '../bus/bus.ts';
export interface AskMessage {
    readonly id: string;
    readonly method: string;
    readonly kind: 'ask' | 'tell' | 'confirm';
    readonly timeout: number;
    readonly traceparent: string | null;
    readonly body: Uint8Array;
}
export declare function encodeAsk(message: AskMessage, timeout: number): Uint8Array;
export declare const replyHeader = "Tasktree-Reply";
export declare function askHeaders({ traceparent }: AskMessage): Headers | undefined;
export declare function readAsk(message: Pick<BusMessage, 'data' | 'header'>): AskMessage | null;
export declare const answerTag: {
    readonly accepted: 4;
    readonly overloaded: 5;
    readonly moved: 6;
};
export declare function acceptedBy(node: string): Uint8Array;
export declare const overloaded: Uint8Array;
export declare const moved: Uint8Array;

// dist/wire/codec.d.ts
export interface Codec {
    encode(value: unknown): Uint8Array;
    decode(bytes: Uint8Array): unknown;
}
export declare const cloneCodec: Codec;
export declare const jsonCodec: Codec;
export declare function checkedCodec(codec: Codec): Codec;

// dist/wire/error-classes.d.ts
export declare function carryErrorClasses(): void;

// dist/wire/hash.d.ts
export declare function hash(text: string, start?: number): number;

// dist/wire/job-message.d.ts
import type { Headers } from '../bus/bus.ts';
export interface JobMessage {
    readonly id: string;
    readonly job: string;
    readonly reply: string;
    readonly resultTtl: number;
    readonly deadline: number;
    readonly notBefore: number;
    readonly traceparent: string | null;
    readonly isChunked: boolean;
    readonly after: number;
    readonly putBack: number;
    readonly submittedAt: number;
    readonly mayBeKnown: boolean;
}
export declare const deadLetterHeader: {
    reason: string;
    deliveries: string;
};
export declare function messageId({ id, after, putBack }: JobMessage): string;
export declare function toHeaders(message: JobMessage): Headers;
export declare function isJobId(id: string): boolean;
export declare function readHeaders(header: (name: string) => string | null): JobMessage | null;

// dist/wire/names.d.ts
export declare function token(text: string): string;
export declare function readToken(encoded: string): string | null;
export declare function checkName(what: string, name: unknown): void;
export declare class Names {
    #private;
    constructor(namespace: string);
    jobs(queue: string): string;
    job(queue: string): string;
    delayed(queue: string): string;
    delay(queue: string): string;
    get deadLetters(): string;
    deadLetter(queue: string): string;
    get everyDeadLetter(): string;
    service(name: string): string;
    control(id: string): string;
    leases(ttl: number): string;
    freed(key: string): string;
    get settings(): string;
    hosts(type: string): string;
    entity(type: string, shard: number, key: string): string;
    entitiesOf(type: string, shard: number): string;
    mailboxes(type: string): string;
    mailbox(type: string, shard: number, key: string): string;
    mailboxesOf(type: string, shard: number): string;
    everyMailbox(type: string): string;
    get states(): string;
    stateOf(type: string, key: string): string;
    get nodes(): string;
    get cancels(): string;
    results(ttl: number): string;
}
export declare function stateKey(type: string, key: string): string;
export declare const defaultResultTtl = 3600000;
export declare const shortestResultTtl = 1000;
export declare function keptFor(ttl: number): number;
export declare function countable(ms: number): number;
export declare const defaultLease = 5000;

// dist/wire/outcome.d.ts
import type { Codec } from './codec.ts';
export type Outcome = {
    readonly kind: 'value';
    readonly value: unknown;
} | {
    readonly kind: 'error';
    readonly error: unknown;
} | {
    readonly kind: 'cancelled';
};
export declare const cancelledOutcome: Uint8Array;
export declare function encodeOutcome(outcome: Outcome, codec: Codec, what: string, limit: number): Uint8Array;
export declare function decodeOutcome(bytes: Uint8Array, codec: Codec, sentAt?: () => string): Outcome;

// dist/wire/plain-values.d.ts
export declare function encodePlain(value: unknown): Uint8Array | null;
export declare function isEncodedPlain(bytes: Uint8Array): boolean;
export declare function decodePlain(bytes: Uint8Array): unknown;

// dist/wire/progress.d.ts
export declare const progressTag = 3;

// dist/wire/readable.d.ts
export declare function readable(thrown: unknown, who: string): unknown;
export declare function textOf(thrown: unknown): string;

// dist/wire/shorten-error.d.ts
import type { EncodedError } from '@tasktree/executor/lowlevel';
export declare function shortenError({ thrown, records }: EncodedError, length: number, parts: number): EncodedError;

// dist/wire/trace.d.ts
export { traceparent } from '@tasktree/executor';
import { Tracing } from '@tasktree/core/lowlevel';
export declare const traceHeader = "traceparent";
export type Carrier = Readonly<Record<string, string>>;
export interface JobTrace {
    readonly executor: object;
    readonly future: object;
    readonly job: string;
    readonly worker: null;
    carrier?: Carrier;
}
export declare const jobTracing: Tracing<JobTrace>;
interface RunTrace {
    readonly job: string;
    readonly worker: string;
    readonly carrier: Carrier | null;
}
export declare const runTracing: Tracing<RunTrace>;
export interface AskTrace {
    readonly path: string;
    readonly method: string;
    readonly ask: object;
    carrier?: Carrier;
}
export declare const askTracing: Tracing<AskTrace>;
interface ServeTrace {
    readonly receiver: string;
    readonly method: string;
    readonly carrier: Carrier | null;
}
export declare const serveTracing: Tracing<ServeTrace>;
export declare function carrierOf(header: string | null): Carrier | null;

// dist/worker/dead-letters.d.ts
import type { Link } from '../link/link.ts';
import { type PoisonedJob } from '../errors.ts';
import type { JobRun } from './job-run.ts';
export interface DeadJob {
    readonly run: JobRun;
    readonly error: PoisonedJob;
}
export declare class DeadLetters {
    #private;
    constructor(link: Link, queue: string, moved: (run: JobRun) => void);
    add(job: DeadJob): void;
    run(): Promise<never>;
}

// dist/worker/delay-wheel.d.ts
import type { ConsumerSettings, Delivery } from '../bus/bus.ts';
import type { Link } from '../link/link.ts';
export declare class DelayWheel {
    #private;
    readonly consumer: ConsumerSettings;
    constructor(link: Link, queue: string);
    get room(): number;
    take(delivery: Delivery): void;
    run(): Promise<never>;
}

// dist/worker/job-run.d.ts
import type { Delivery } from '../bus/bus.ts';
import type { JobMessage } from '../wire/job-message.ts';
import { type Outcome } from '../wire/outcome.ts';
import type { WorkerState } from './worker-state.ts';
export declare class JobRun {
    #private;
    readonly delivery: Delivery;
    readonly message: JobMessage;
    constructor(worker: WorkerState, delivery: Delivery, message: JobMessage);
    cancel(): void;
    giveUp(): void;
    wasCancelled(): Promise<boolean>;
    run(): Promise<void>;
    settle(outcome: Outcome): Promise<void>;
    record(outcome: Outcome): Promise<Uint8Array>;
    reply(record: Uint8Array): void;
}

// dist/worker/keep-alive.d.ts
import type { WorkerState } from './worker-state.ts';
export declare function keepJobsAlive(worker: WorkerState): Promise<void>;

// dist/worker/modules.d.ts
import { type Future } from '@tasktree/core';
import { type Executor } from '@tasktree/executor';
import type { Codec } from '../wire/codec.ts';
export type Handler = (...args: any[]) => unknown;
export type Handlers = Readonly<Record<string, Handler>>;
export type WorkerModules = Readonly<Record<string, URL | string | Handlers>>;
export interface Call {
    readonly args: readonly unknown[];
    readonly isChunked: boolean;
    readonly onProgress: (value: unknown) => void;
}
type Start = (call: Call) => Future<unknown>;
export declare class Modules {
    #private;
    constructor(modules: WorkerModules, executor: Executor | null, codec: Codec);
    get names(): readonly string[];
    find(job: string): Promise<Start | null>;
}
export {};

// dist/worker/overlooked-jobs.d.ts
import { type ConsumerSettings } from '../bus/bus.ts';
import type { Link } from '../link/link.ts';
export declare class OverlookedJobs {
    #private;
    constructor(link: Link, settings: ConsumerSettings);
    run(): Promise<never>;
}

// dist/worker/retries.d.ts
export declare function defaultBackoff(attempt: number): number;
export declare function askRetryIf(retryIf: (error: unknown) => boolean, error: unknown, job: string): boolean;
export declare function askBackoff(backoff: (attempt: number) => number, attempt: number, job: string): number;

// dist/worker/unknown-job.d.ts
import type { Delivery } from '../bus/bus.ts';
import { UnknownJob } from '../errors.ts';
import { type JobMessage } from '../wire/job-message.ts';
import type { WorkerState } from './worker-state.ts';
export declare function putBackUnknown({ link, queue, modules, unknownAfter }: WorkerState, delivery: Delivery, message: JobMessage): Promise<UnknownJob | null>;

// dist/worker/worker-state.d.ts
import type { ConsumerSettings, Delivery } from '../bus/bus.ts';
import type { Link } from '../link/link.ts';
import { type DeadJob } from './dead-letters.ts';
import { JobRun } from './job-run.ts';
import type { Modules } from './modules.ts';
import { type Receiver } from '../link/pull-loop.ts';
export interface WorkerSettings {
    readonly concurrency: number;
    readonly ackWait: number;
    readonly maxDeliver: number;
    readonly backoff: (attempt: number) => number;
    readonly retryIf: (error: unknown) => boolean;
    readonly unknownAfter: number;
    readonly grace: number;
}
export declare class WorkerState implements Receiver {
    #private;
    readonly link: Link;
    readonly queue: string;
    readonly modules: Modules;
    readonly consumer: ConsumerSettings;
    constructor(link: Link, queue: string, modules: Modules, settings: WorkerSettings);
    get maxDeliver(): number;
    get ackWait(): number;
    get unknownAfter(): number;
    get running(): number;
    backoff(job: string, attempt: number): number;
    mayRetry(job: string, error: unknown): boolean;
    maxResult(): number;
    get room(): number;
    take(delivery: Delivery): void;
    executed(run: JobRun): void;
    bury(job: DeadJob): void;
    moveDeadLetters(): Promise<never>;
    consume(): Promise<never>;
    get unsettled(): readonly JobRun[];
    get burying(): readonly JobRun[];
    stop(): Promise<void>;
}

// dist/worker/worker.d.ts
import { type ChildOptions } from '@tasktree/actor';
import type { Executor } from '@tasktree/executor';
export interface WorkerOptions extends ChildOptions {
    concurrency?: number;
    executor?: Executor;
    ackWait?: number;
    maxDeliver?: number;
    backoff?: (attempt: number) => number;
    retryIf?: (error: unknown) => boolean;
    unknownAfter?: number;
}
