// dist/client/job-client.d.ts
import { type Reply } from '../protocol/resp.ts';
export declare class JobClient implements AsyncDisposable {
    #private;
    private constructor();
    static connect(host: string, port: number, { password }?: {
        password?: string | null;
    }): Promise<JobClient>;
    command(...words: (string | number)[]): Promise<Reply>;
    text(...words: (string | number)[]): Promise<string>;
    [Symbol.asyncDispose](): Promise<void>;
}
export declare function toRecord(reply: Reply): Record<string, string | number | null>;

// dist/dashboard/access.d.ts
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Credentials } from '../server/credentials.ts';
import { type Origin } from './trusted-proxies.ts';
export interface AccessOptions {
    hostName: string;
    credentials: Credentials;
    publicUrl?: string | undefined;
    trustProxy?: readonly string[] | undefined;
}
export declare class Access {
    #private;
    readonly token: string;
    readonly id: string;
    readonly prefix: string;
    constructor({ hostName, credentials, publicUrl, trustProxy }: AccessOptions);
    originOf(request: IncomingMessage): Origin;
    isOwnHost({ host }: IncomingHttpHeaders): boolean;
    isSameOrigin(request: IncomingMessage): boolean;
    hasToken(headers: IncomingHttpHeaders): boolean;
    get hasPassword(): boolean;
    nameOf(headers: IncomingHttpHeaders): string | null;
    bearerOf(request: IncomingMessage): Promise<string | null>;
    logIn(request: IncomingMessage, secret: string): Promise<string | null>;
    logOut(request: IncomingMessage): string;
}

// dist/dashboard/dashboard.d.ts
import type { Logger } from '@tasktree/actor';
import type { Access } from './access.ts';
import { type LiveSources } from './live-view.ts';
export interface DashboardOptions {
    host: string;
    port: number;
    access: Access;
    sources: LiveSources;
    log: Logger;
}
export declare class Dashboard implements AsyncDisposable {
    #private;
    static start(options: DashboardOptions): Promise<Dashboard>;
    get port(): number;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/dashboard/event-stream.d.ts
import type { ServerResponse } from 'node:http';
export declare class EventStream {
    #private;
    constructor(response: ServerResponse);
    open(closed: () => void): void;
    get isReady(): boolean;
    send(event: string, data: unknown): void;
    keepAlive(): void;
    close(): void;
}

// dist/dashboard/job-output.d.ts
import type { JobChange } from '../store/job-feed.ts';
import type { PageOutput } from './page-events.ts';
export declare class JobOutput {
    #private;
    constructor(id: number, send: (event: 'log' | 'output' | 'end', data: PageOutput) => void);
    begin(log: string, isOver: boolean): void;
    see(change: JobChange): void;
    flush(): boolean;
}

// dist/dashboard/live-view.d.ts
import type { ServerResponse } from 'node:http';
import type { ActorRef, ActorSystem } from '@tasktree/actor';
import type { JobFeed } from '../store/job-feed.ts';
import type { History } from '../scheduling/history.ts';
import type { Store } from '../store/store.ts';
import type { PageSnapshot } from './page-events.ts';
export interface LiveSources {
    readonly system: ActorSystem;
    readonly store: ActorRef<Store>;
    readonly feed: JobFeed;
    readonly history: History;
    readonly command: (words: string[], sender: Sender) => unknown;
    readonly audit: (who: string, action: string) => void;
    readonly prometheus: () => Promise<{
        type: string;
        text: string;
    }>;
    readonly unready: () => Promise<string | null>;
}
export interface Sender {
    who: string;
    address: string;
}
export declare class LiveView implements AsyncDisposable {
    #private;
    constructor(sources: LiveSources, serverId: string, onError: (error: unknown, name: string) => void);
    showPage(response: ServerResponse): Promise<void>;
    snapshot(stream: string): Promise<PageSnapshot>;
    follow(stream: string, id: number, isFollowed: boolean): Promise<void>;
    showOutput(id: number, response: ServerResponse): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}
export declare function isOfActor(error: unknown): error is Error;

// dist/dashboard/output-viewer.d.ts
import type { ServerResponse } from 'node:http';
import type { JobChange } from '../store/job-feed.ts';
import { EventStream } from './event-stream.ts';
export declare class OutputViewer extends EventStream {
    #private;
    constructor(id: number, response: ServerResponse);
    begin(log: string, isOver: boolean): void;
    see(change: JobChange): void;
    flush(): void;
}

// dist/dashboard/page-events.d.ts
import type { Job, JobState } from '../jobs/job.ts';
import type { Restart, Sample } from '../scheduling/sample.ts';
export type PageJob = Omit<Job, 'delay' | 'keep'>;
export interface PageProgress {
    id: number;
    done: number;
    total: number;
}
export interface PageNode {
    id: string;
    path: string;
    kind: string;
    status: string;
    restarts: number;
    lastExit: string | null;
    mailbox: number;
    activity: string;
    children: PageNode[];
}
export type PageCounts = Record<JobState, number>;
export interface PageSnapshot {
    server: string;
    stream: string;
    kinds: Readonly<Record<string, string>>;
    tree: PageNode;
    counts: PageCounts;
    jobs: PageJob[];
    progress: PageProgress[];
    samples: Sample[];
    restarts: Restart[];
}
export interface PageChanges {
    tree?: PageNode;
    counts?: PageCounts;
    jobs?: PageJob[];
    deleted?: number[];
    progress?: PageProgress[];
    samples?: Sample[];
    restarts?: Restart[];
}
export interface PageOutput {
    job: number;
    text: string;
    omitted: number;
}

// dist/dashboard/page-files.d.ts
import type { ServerResponse } from 'node:http';
import type { Access } from './access.ts';
declare const contentTypes: {
    readonly html: 'text/html; charset=utf-8';
    readonly css: 'text/css; charset=utf-8';
    readonly js: 'text/javascript; charset=utf-8';
    readonly svg: 'image/svg+xml';
    readonly json: 'application/json; charset=utf-8';
    readonly text: 'text/plain; charset=utf-8';
    readonly events: 'text/event-stream; charset=utf-8';
};
export declare function writeHead(response: ServerResponse, status: number, type: keyof typeof contentTypes, more?: Record<string, string>): void;
export declare class PageFiles {
    readonly page: string;
    readonly login: string;
    readonly wrongPassword: string;
    readonly public: ReadonlyMap<string, {
        type: 'css' | 'js' | 'svg';
        text: string;
    }>;
    constructor({ id, token, hasPassword }: Access);
}
export {};

// dist/dashboard/page-tree.d.ts
import type { NodeSnapshot } from '@tasktree/actor';
import type { PageNode } from './page-events.ts';
export declare function toPageNode(node: NodeSnapshot): PageNode;

// dist/dashboard/page-viewer.d.ts
import type { Job } from '../jobs/job.ts';
import type { JobChange } from '../store/job-feed.ts';
import type { Restart, Sample } from '../scheduling/sample.ts';
import { EventStream } from './event-stream.ts';
import { JobOutput } from './job-output.ts';
import type { PageCounts, PageJob, PageNode, PageSnapshot } from './page-events.ts';
export declare class PageViewer extends EventStream {
    #private;
    readonly name: string;
    begin(snapshot: PageSnapshot): void;
    follow(id: number): JobOutput;
    unfollow(id: number): void;
    see(change: JobChange): void;
    seeRestart(restart: Restart): void;
    seeSamples(samples: Sample[], counts: PageCounts): void;
    flush(tree: PageNode): void;
}
export declare function toPageJob(job: Job): PageJob;

// dist/dashboard/refusal.d.ts
export declare class Refusal extends Error {
    readonly name: string;
    readonly status: number;
    constructor(status: number, message: string);
}

// dist/dashboard/routes.d.ts
import type { ServerResponse } from 'node:http';
import type { LiveSources, LiveView, Sender } from './live-view.ts';
export interface Site {
    readonly sources: LiveSources;
    readonly view: LiveView;
}
interface Exchange {
    site: Site;
    response: ServerResponse;
    sender: Sender;
    words: string[];
    query: URLSearchParams;
    body: string;
}
type Handle = (exchange: Exchange) => Promise<void> | void;
export declare function findRoute(method: string, path: string): {
    handle: Handle;
    words: string[];
    isStream: boolean;
};
export {};

// dist/dashboard/trusted-proxies.d.ts
import type { IncomingMessage } from 'node:http';
export interface Origin {
    address: string;
    host: string;
    isSecure: boolean;
}
export declare class TrustedProxies {
    #private;
    constructor(addresses: readonly string[]);
    originOf({ headers, socket }: IncomingMessage): Origin;
}

// dist/index.d.ts
export { JobClient, toRecord } from './client/job-client.ts';
export type { Job, JobKind, JobRequest, JobState } from './jobs/job.ts';
export type { Reply } from './protocol/resp.ts';
export type { Token } from './server/credentials.ts';
export type { ListenerOptions } from './server/listener.ts';
export { JobFileError } from './store/job-file.ts';
export type { Retention } from './store/retention.ts';
export { type Jobd, type JobdOptions, startJobd } from './tree/jobd.ts';

// dist/jobs/child-output.d.ts
import type { Process } from '@tasktree/subprocess';
import type { Bench } from './kind.ts';
export declare const killGrace = 500;
export declare function outcomeOf(child: Process, bench: Bench): Promise<string>;

// dist/jobs/describe-error.d.ts
export declare function describeError(error: unknown, depth?: number): string;

// dist/jobs/fetch.d.ts
import { type Kind } from './kind.ts';
export declare const fetchUrl: Kind<URL>;

// dist/jobs/hash.d.ts
import { type Kind } from './kind.ts';
export declare const hash: Kind;

// dist/jobs/in-pools.d.ts
export declare function hash(path: string): Promise<string>;
export declare function words(path: string): Promise<string>;
export declare function primes(n: number): string;

// dist/jobs/job.d.ts
export declare const jobKinds: readonly ['shell', 'hash', 'words', 'primes', 'fetch', 'python', 'sleep'];
export type JobKind = (typeof jobKinds)[number];
export declare const jobStates: readonly ['queued', 'running', 'done', 'failed', 'cancelled'];
export type JobState = (typeof jobStates)[number];
export declare const finalStates: ReadonlySet<JobState>;
export interface JobRequest {
    kind: JobKind;
    payload: string;
    priority: number;
    delay: number;
    timeout: number;
    retries: number;
    key: string | null;
    keep: number | null;
}
export interface Job extends JobRequest {
    id: number;
    state: JobState;
    attempts: number;
    deaths: number;
    result: string | null;
    error: string | null;
    createdAt: number;
    notBefore: number;
    startedAt: number | null;
    endedAt: number | null;
}
export interface QueuedJob {
    readonly id: number;
    readonly kind: string;
    readonly priority: number;
    readonly dueAt: number;
}
export interface JobFilter {
    state?: JobState;
    kind?: string;
    key?: string;
    older?: number;
}
export declare function isJobKind(kind: string): kind is JobKind;
export declare function isJobState(state: string): state is JobState;

// dist/jobs/kind.d.ts
import type { Executor } from '@tasktree/executor';
export interface Pools {
    readonly threads: Executor;
    readonly processes: Executor;
}
export interface Bench {
    readonly pools: Pools;
    readonly output: (text: string) => void;
    readonly progress: (done: number, total: number) => void;
}
export interface Kind<P = string> {
    readonly placeholder: string;
    readonly capacity?: number;
    readonly parse: (payload: string) => P;
    readonly run: (payload: P, bench: Bench) => PromiseLike<string>;
}
export declare class PayloadError extends RangeError {
    readonly name: string;
}
export declare function defineKind<P>(kind: Kind<P>): Kind<P>;
export declare function parseText(what: string): (payload: string) => string;
export declare function parseWholeNumber(what: string, most: number): (payload: string) => number;

// dist/jobs/kinds.d.ts
import type { Job, JobKind } from './job.ts';
import type { Bench } from './kind.ts';
export declare function checkPayload(kind: JobKind, payload: string): void;
export declare function perform(job: Job, bench: Bench): PromiseLike<string>;
export declare const capacities: Partial<Record<JobKind, number>>;
export declare const placeholders: Record<string, string>;

// dist/jobs/pool-jobs.d.ts
import { type JobFuture } from '@tasktree/executor';
import type * as InPools from './in-pools.ts';
import type { Bench } from './kind.ts';
export declare const poolJobs: import("@tasktree/executor").JobRefs<typeof InPools>;
export declare function follow(job: JobFuture<string>, bench: Bench): JobFuture<string>;

// dist/jobs/primes.d.ts
import { type Kind } from './kind.ts';
export declare const primes: Kind<number>;

// dist/jobs/python.d.ts
import { type Kind } from './kind.ts';
export declare const python: Kind;

// dist/jobs/shell.d.ts
import { type Kind } from './kind.ts';
export declare const shell: Kind;

// dist/jobs/shown-job.d.ts
import type { Job } from './job.ts';
export declare const longestShown = 1024;
export declare function shorten(job: Job): Job;

// dist/jobs/sleep.d.ts
import { type Kind } from './kind.ts';
export declare const sleep: Kind<number>;

// dist/jobs/words.d.ts
import { type Kind } from './kind.ts';
export declare const words: Kind;

// dist/log/server-log.d.ts
import type { Logger } from '@tasktree/actor';
export type LogLevel = 'info' | 'warn' | 'error' | 'audit';
export type LogFormat = 'human' | 'json';
export interface ServerLog extends Logger {
    audit(who: string, action: string): void;
}
export declare class LineLog implements ServerLog {
    #private;
    constructor(format: LogFormat, write: (line: string) => void);
    debug(): void;
    info(message: string, ...details: unknown[]): void;
    warn(message: string, ...details: unknown[]): void;
    error(message: string, ...details: unknown[]): void;
    audit(who: string, action: string): void;
}
export declare function withAudit(logger: Logger): ServerLog;
export declare function visible(text: string): string;

// dist/protocol/command-parser.d.ts
export type Word = string | Buffer;
export declare const limits: {
    arguments: number;
    argument: number;
    command: number;
    line: number;
    unknown: {
        arguments: number;
        argument: number;
    };
};
export declare class CommandParser {
    #private;
    isKnown: boolean;
    feed(chunk: Buffer): void;
    get isMidway(): boolean;
    next(): Word[] | null;
}

// dist/protocol/inline-command.d.ts
export declare function splitInline(line: Buffer): Buffer[] | null;

// dist/protocol/resp.d.ts
import type { StreamReader } from '@tasktree/streams';
export type Reply = null | number | string | Buffer | Error | {
    simple: string;
} | {
    push: Reply[];
} | {
    several: Reply[];
} | Reply[] | Map<string, Reply>;
export declare class ProtocolError extends Error {
    readonly name: string;
}
export declare function encode(reply: Reply, version: 2 | 3): string;
export declare function encodeCommand(words: readonly (string | Buffer)[]): Buffer;
export declare function readReply(reader: StreamReader): Promise<Reply>;

// dist/scheduling/attempt.d.ts
import type { Releaser } from '@tasktree/sync';
import type { QueuedJob } from '../jobs/job.ts';
export type Outcome = {
    result: string;
} | {
    error: string;
} | {
    cancelled: true;
};
export interface Attempt {
    readonly queued: QueuedJob;
    readonly place: Releaser;
    begunAt: number;
    isCancelled: boolean;
    attempts: number;
    isEnding: boolean;
}

// dist/scheduling/history.d.ts
import { type ActorSystem } from '@tasktree/actor';
import type { Restart, Sample, Tally } from './sample.ts';
export declare const noTally: () => Tally;
export declare class History {
    #private;
    readonly totals: Tally;
    add(sample: Omit<Sample, 'n'>): void;
    samplesSince(n: number): Sample[];
    latestSamples(count: number): Sample[];
    get restarts(): readonly Restart[];
    get restartCounts(): ReadonlyMap<string, number>;
    follow(system: ActorSystem): Promise<void>;
}

// dist/scheduling/job-queue.d.ts
import type { QueuedJob } from '../jobs/job.ts';
export declare class JobQueue {
    #private;
    constructor(after: (ms: number, call: () => void) => void, onDue: () => void);
    get size(): number;
    get readySize(): number;
    get(id: number): QueuedJob | undefined;
    add({ id, kind, priority }: Omit<QueuedJob, 'dueAt'>, delay: number): boolean;
    putBack(job: QueuedJob): boolean;
    remove(id: number): QueuedJob | undefined;
    take(mayBegin: (kind: string) => boolean): QueuedJob | null;
}

// dist/scheduling/job-waiters.d.ts
import type { ReplyPort } from '@tasktree/actor';
import type { Job } from '../jobs/job.ts';
export interface Waiter {
    readonly port: ReplyPort<Job | null>;
    timer: Disposable | null;
    readonly ticket: string | null;
}
export declare class JobWaiters {
    #private;
    add(id: number, waiter: Waiter): void;
    remove(id: number, waiter: Waiter): boolean;
    removeTicket(id: number, ticket: string): void;
    tell(job: Job): void;
    get size(): number;
}

// dist/scheduling/metrics.d.ts
import { Actor } from '@tasktree/actor';
import type { JobFeed } from '../store/job-feed.ts';
import { type History } from './history.ts';
import type { PrometheusMetrics } from './prometheus.ts';
import type { MetricsSummary, Sample } from './sample.ts';
export declare class Metrics extends Actor {
    #private;
    static readonly interleave: string[];
    constructor(history: History, prometheus: PrometheusMetrics, feed: JobFeed);
    protected onStart(): void;
    since(n: number): Sample[];
    summary(): MetricsSummary;
}

// dist/scheduling/pass-on.d.ts
export declare function passOn(error: unknown): unknown;

// dist/scheduling/pauses.d.ts
export declare class Pauses {
    #private;
    has(kind: string): boolean;
    get hasAll(): boolean;
    add(kind: string | null): void;
    remove(kind: string | null): void;
    list(): string[];
    toString(): string;
    parse(text: string | null): void;
}

// dist/scheduling/prometheus.d.ts
import { type JobState } from '../jobs/job.ts';
import type { History } from './history.ts';
export interface CurrentFacts {
    counts: Readonly<Record<JobState, number>>;
    ready: number;
    waiters: number;
    paused: readonly string[];
}
export declare class PrometheusMetrics {
    #private;
    constructor(history: History);
    observeWait(ms: number): void;
    observeRun(ms: number): void;
    get contentType(): string;
    text({ counts, ready, waiters, paused }: CurrentFacts): Promise<string>;
}

// dist/scheduling/queue-full.d.ts
import { ReplyError } from '@tasktree/actor';
export declare class QueueFull extends ReplyError {
    readonly name: string;
    constructor(limit: number);
}

// dist/scheduling/ready-jobs.d.ts
import type { QueuedJob } from '../jobs/job.ts';
export declare class ReadyJobs {
    #private;
    get size(): number;
    put(job: QueuedJob): void;
    take(mayBegin: (kind: string) => boolean, isWanted: (job: QueuedJob) => boolean): QueuedJob | null;
}

// dist/scheduling/recovery.d.ts
import type { ActorRef } from '@tasktree/actor';
import type { Store } from '../store/store.ts';
import type { JobQueue } from './job-queue.ts';
export declare class Recovery {
    #private;
    constructor(queue: JobQueue);
    get isOpen(): boolean;
    read(asks: ActorRef<Store>['ask']): Promise<void>;
    open(): void;
}

// dist/scheduling/retry-delay.d.ts
export declare const longestRetryDelay: number;
export declare function delayAfter(attempts: number): number;

// dist/scheduling/sample.d.ts
export interface Spread {
    median: number;
    p95: number;
}
export interface Sample {
    n: number;
    at: number;
    added: number;
    done: number;
    failed: number;
    cancelled: number;
    waited: Spread | null;
    ran: Spread | null;
}
export interface MetricsSummary {
    totals: Tally;
    perSecond: Tally;
    waited: Spread | null;
    ran: Spread | null;
    restarts: Record<string, number>;
}
export interface Tally {
    added: number;
    done: number;
    failed: number;
    cancelled: number;
}
export interface Restart {
    at: number;
    path: string;
    reason: string;
}

// dist/scheduling/scheduler.d.ts
import { Actor, type ActorRef, type ReplyPort } from '@tasktree/actor';
import { type Job, type JobKind, type JobRequest, type JobState } from '../jobs/job.ts';
import type { JobFeed } from '../store/job-feed.ts';
import { type Revival, type Store } from '../store/store.ts';
import type { Outcome } from './attempt.ts';
import type { Worker } from './worker.ts';
export interface SchedulerOptions {
    maxQueued: number;
    capacity: Partial<Record<JobKind, number>>;
}
export declare class Scheduler extends Actor {
    #private;
    constructor(store: () => ActorRef<Store>, worker: (name: string) => ActorRef<Worker>, feed: JobFeed, { maxQueued, capacity }: SchedulerOptions);
    protected onStart(): Promise<void>;
    open(): void;
    submit(request: JobRequest): ReplyPort<number>;
    take(worker: string): ReplyPort<Job>;
    finish(worker: string, outcome: Outcome): ReplyPort<void>;
    cancel(id: number): ReplyPort<Job | null>;
    revive(id: number, states: readonly JobState[]): ReplyPort<Revival>;
    wait(id: number, ms?: number | null, ticket?: string | null): ReplyPort<Job | null>;
    stopWaiting(id: number, ticket: string): void;
    pause(kind: string | null): ReplyPort<void>;
    resume(kind: string | null): ReplyPort<void>;
    idle(): ReplyPort<void>;
    drain(): ReplyPort<void>;
    statistics(): {
        ready: number;
        running: number;
        idle: number;
        requeued: number;
        waiters: number;
        paused: string[];
    };
}

// dist/scheduling/wall-clock.d.ts
export declare class WallClock {
    #private;
    takeStep(): number;
}

// dist/scheduling/worker.d.ts
import { Actor, type ActorRef } from '@tasktree/actor';
import type { JobFeed } from '../store/job-feed.ts';
import type { Pools } from '../jobs/kind.ts';
import type { Scheduler } from './scheduler.ts';
import type { Store } from '../store/store.ts';
export interface Workshop {
    readonly store: () => ActorRef<Store>;
    readonly scheduler: () => ActorRef<Scheduler>;
    readonly pools: Pools;
    readonly feed: JobFeed;
}
export declare class Worker extends Actor {
    #private;
    constructor(shop: Workshop);
    protected onStart(): void;
    cancel(id: number): void;
}

// dist/server/arguments.d.ts
export declare class CommandError extends Error {
    readonly name: string;
    readonly code: string;
    constructor(message: string, code?: string);
}
export declare const largest: number;
export declare function parseNumber(name: string, text: string | undefined, least: number, most?: number): number;
export declare function parseOptions(words: readonly string[], names: readonly string[]): Map<string, string>;

// dist/server/bulk.d.ts
import { type JobFilter } from '../jobs/job.ts';
import type { Directory } from './commands.ts';
type Parts = Pick<Directory, 'store' | 'scheduler'>;
export declare const bulkActions: {
    readonly RETRY: {
        readonly states: readonly ["failed", "cancelled"];
        readonly carryOut: (ids: readonly number[], parts: Parts) => Promise<number>;
    };
    readonly REQUEUE: {
        readonly states: readonly ("cancelled" | "done" | "failed" | "queued" | "running")[];
        readonly carryOut: (ids: readonly number[], parts: Parts) => Promise<number>;
    };
    readonly CANCEL: {
        readonly states: readonly ["queued", "running"];
        readonly carryOut: (ids: readonly number[], { scheduler }: Parts) => Promise<number>;
    };
    readonly DELETE: {
        readonly states: readonly ("cancelled" | "done" | "failed" | "queued" | "running")[];
        readonly carryOut: (ids: readonly number[], { store }: Parts) => Promise<number>;
    };
};
export declare function carryOutAll(name: keyof typeof bulkActions, filter: JobFilter, parts: Parts): Promise<number>;
export {};

// dist/server/client-connection.d.ts
import { type StreamReader, type StreamWriter } from '@tasktree/streams';
import { type Directory } from './commands.ts';
import type { JobFeed } from '../store/job-feed.ts';
export declare class Connection {
    #private;
    constructor(reader: StreamReader, writer: StreamWriter, directory: Directory, feed: JobFeed);
    serve(): Promise<void>;
    checkPatience(midway: number, stalled: number): void;
}

// dist/server/commands.d.ts
import { type ActorRef, type ActorSystem } from '@tasktree/actor';
import { type Credentials } from './credentials.ts';
import type { Word } from '../protocol/command-parser.ts';
import type { Metrics } from '../scheduling/metrics.ts';
import type { Reply } from '../protocol/resp.ts';
import type { Scheduler } from '../scheduling/scheduler.ts';
import type { Store } from '../store/store.ts';
export interface Session {
    version: 2 | 3;
    closing: boolean;
    who: string | null;
    address: string;
    isSubscribed: boolean;
}
export interface Directory {
    readonly system: ActorSystem;
    readonly store: ActorRef<Store>;
    readonly scheduler: ActorRef<Scheduler>;
    readonly metrics: ActorRef<Metrics>;
    readonly credentials: Credentials;
    readonly audit: (who: string, action: string) => void;
    readonly file: string;
}
export declare const anonymous = "anonymous";
export declare function initialName({ credentials }: Pick<Directory, 'credentials'>): string | null;
export interface Command {
    readonly least: number;
    readonly most: number;
    readonly overlaps?: boolean;
    readonly isOpen?: boolean;
    readonly isAudited?: boolean;
    readonly run: (words: readonly string[], directory: Directory, session: Session) => PromiseLike<Reply> | Reply;
}
export declare function overlaps([name]: readonly Word[]): boolean;
export declare function execute(words: readonly Word[], directory: Directory, session: Session): Promise<Reply> | Reply;

// dist/server/credentials.d.ts
export interface Token {
    name: string;
    secret: string;
}
export declare const defaultName = "default";
export declare class Credentials {
    #private;
    constructor(tokens: readonly Token[]);
    get isEmpty(): boolean;
    find(secret: string, wanted?: string | null): string | null;
    logIn(address: string, secret: string, wanted?: string | null): Promise<string | null>;
}

// dist/server/job-commands.d.ts
import type { Command } from './commands.ts';
export declare const jobCommands: Record<string, Command>;

// dist/server/listener.d.ts
import type { Directory } from './commands.ts';
import type { JobFeed } from '../store/job-feed.ts';
export interface ListenerOptions {
    host: string;
    port: number;
    maxClients?: number;
    patience?: number;
    stallTime?: number;
}
export declare class Listener implements AsyncDisposable {
    #private;
    private constructor();
    static start(directory: Directory, feed: JobFeed, options: ListenerOptions): Promise<Listener>;
    get port(): number;
    close(): void;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/server/passing.d.ts
export declare function isPassing(error: unknown): error is Error;

// dist/store/file-lock.d.ts
export declare class FileLock implements Disposable {
    #private;
    private constructor();
    static acquire(file: string, patience: number, onWait?: () => void): Promise<FileLock | null>;
    static tryAcquire(file: string): FileLock | null;
    [Symbol.dispose](): void;
}

// dist/store/job-feed.d.ts
import type { Job } from '../jobs/job.ts';
export type JobChange = 
{
    type: 'state';
    job: Job;
    waited?: number;
    ran?: number;
} | {
    type: 'deleted';
    ids: readonly number[];
} | {
    type: 'progress';
    id: number;
    done: number;
    total: number;
}
 | {
    type: 'output';
    id: number;
    text: string;
    offset: number;
};
export declare class JobFeed {
    #private;
    publish(change: JobChange): void;
    subscribe(): AsyncIterable<JobChange> & Disposable;
    subscribeStates(): AsyncIterable<Job> & Disposable;
}

// dist/store/job-file.d.ts
import { DatabaseSync } from 'node:sqlite';
export interface JobFileOptions {
    path: string;
    maxSize?: number | undefined;
    waitLock?: number | undefined;
    maxDeaths?: number | undefined;
    vacuum?: boolean | undefined;
    notice?: ((text: string) => void) | undefined;
}
export declare class JobFileError extends Error {
    readonly name: string;
}
export declare class JobFile implements Disposable {
    #private;
    private constructor();
    static take(options: JobFileOptions): Promise<JobFile>;
    open(): DatabaseSync;
    close(): void;
    release(): void;
    [Symbol.dispose](): void;
}
export declare function explain(path: string, error: unknown): unknown;
export declare function firstProblem(database: DatabaseSync, pragma?: string): string | null;
export declare function keepCopy(database: DatabaseSync, target: string): void;
export declare function holderOf(path: string): string;
export declare function isPassingFailure({ errcode }: {
    errcode: number;
}): boolean;

// dist/store/retention.d.ts
import type { DatabaseSync } from 'node:sqlite';
import type { JobState } from '../jobs/job.ts';
export interface Retention {
    done?: number;
    failed?: number;
    last?: number;
}
export declare function retentionOf(database: DatabaseSync): Required<Retention>;
export declare function surplusJobs(database: DatabaseSync, { done, failed, last }: Retention, counts: Readonly<Record<JobState, number>>, limit: number): number[];

// dist/store/schema.d.ts
import type { DatabaseSync } from 'node:sqlite';
export declare const applicationId = 1785684580;
export declare const schemaVersion = 1;
export type FileState = {
    kind: 'empty';
} | {
    kind: 'current';
} | {
    kind: 'old';
    version: number;
} | {
    kind: 'refused';
    reason: string;
};
export declare function inspect(database: DatabaseSync): FileState;
export declare function create(database: DatabaseSync): void;
export declare function migrate(database: DatabaseSync, version: number): void;
export declare function numberOf(database: DatabaseSync, pragma: string): number;

// dist/store/store.d.ts
import { Actor, ReplyError, type ReplyPort } from '@tasktree/actor';
import { type Job, type JobFilter, type JobRequest, type JobState } from '../jobs/job.ts';
import type { JobFeed } from './job-feed.ts';
import { type JobFile } from './job-file.ts';
import { type Retention } from './retention.ts';
export declare class StoreError extends ReplyError {
    readonly name: string;
    constructor(cause: Error);
}
export type StoredQueuedJob = Pick<Job, 'id' | 'kind' | 'priority' | 'delay' | 'attempts' | 'deaths' | 'notBefore'>;
export type Revival = {
    before: Job | null;
    job: Job | null;
    keyHolder: number | null;
};
export declare class Store extends Actor {
    #private;
    constructor(file: JobFile, feed: JobFeed, retention?: Retention);
    protected onStart(): void;
    protected onStop(): void;
    add(request: JobRequest): ReplyPort<{
        job: Job;
        isNew: boolean;
    }>;
    begin(id: number): ReplyPort<Job>;
    end(id: number, state: JobState, outcome?: {
        result?: string;
        error?: string;
    }): ReplyPort<Job>;
    fail(id: number, error: string, delay: number): ReplyPort<Job>;
    requeue(id: number): ReplyPort<Job>;
    revive(id: number, states: readonly JobState[]): ReplyPort<Revival>;
    requeueRunning(): ReplyPort<void>;
    queued(after: number, limit: number): ReplyPort<StoredQueuedJob[]>;
    shiftDelays(ms: number): ReplyPort<void>;
    setting(name: string): ReplyPort<string | null>;
    set(name: string, value: string): ReplyPort<void>;
    delete(ids: readonly number[]): ReplyPort<number[]>;
    append(id: number, text: string): void;
    log(id: number): ReplyPort<string | null>;
    get(id: number): ReplyPort<Job | null>;
    list(filter: JobFilter, limit: number): ReplyPort<Job[]>;
    matching(filter: JobFilter, states: readonly JobState[], after: number, limit: number): ReplyPort<number[]>;
    counts(): ReplyPort<Record<JobState, number>>;
}

// dist/tree/jobd.d.ts
import { ActorSystem, type Logger } from '@tasktree/actor';
import { type AccessOptions } from '../dashboard/access.ts';
import type { JobKind } from '../jobs/job.ts';
import { type Token } from '../server/credentials.ts';
import { type ListenerOptions } from '../server/listener.ts';
import { type JobFileOptions } from '../store/job-file.ts';
import type { Retention } from '../store/retention.ts';
export interface JobdOptions extends Pick<JobFileOptions, 'waitLock' | 'maxDeaths' | 'vacuum'>, Pick<AccessOptions, 'publicUrl' | 'trustProxy'> {
    file: string;
    host: string;
    port: number;
    http?: number;
    workers: number;
    password?: string;
    tokens?: readonly Token[];
    grace?: number;
    maxQueued?: number;
    retention?: Retention;
    capacity?: Partial<Record<JobKind, number>>;
    maxFileSize?: number;
    clients?: Omit<ListenerOptions, 'host' | 'port'>;
    logger?: Logger;
}
export interface Jobd extends AsyncDisposable {
    readonly system: ActorSystem;
    readonly port: number;
    readonly httpPort: number;
}
export declare function startJobd(options: JobdOptions): Promise<Jobd>;

// dist/tree/restarts.d.ts
import type { SupervisorOptions } from '@tasktree/actor';
export declare const restarts: Pick<SupervisorOptions, 'maxRestarts' | 'within' | 'backoff'>;
