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
export declare function toRecord(reply: Reply): Record<string, string | null>;

// dist/dashboard/access.d.ts
import type { IncomingHttpHeaders } from 'node:http';
export declare class Access {
    #private;
    readonly token: string;
    readonly id: string;
    constructor(hostName: string, password: string | null);
    isOwnHost({ host }: IncomingHttpHeaders): boolean;
    isSameOrigin({ host, origin, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean;
    hasToken(headers: IncomingHttpHeaders): boolean;
    isKnown(headers: IncomingHttpHeaders): boolean;
    get hasPassword(): boolean;
    logIn(password: string): Promise<string | null>;
    logOut(headers: IncomingHttpHeaders): string;
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

// dist/dashboard/live-view.d.ts
import type { ServerResponse } from 'node:http';
import type { ActorRef, ActorSystem } from '@tasktree/actor';
import type { JobFeed } from '../store/job-feed.ts';
import type { Metrics } from '../scheduling/metrics.ts';
import type { Store } from '../store/store.ts';
export interface LiveSources {
    readonly system: ActorSystem;
    readonly store: ActorRef<Store>;
    readonly metrics: ActorRef<Metrics>;
    readonly feed: JobFeed;
    readonly command: (words: string[]) => unknown;
}
export declare class LiveView implements AsyncDisposable {
    #private;
    constructor(sources: LiveSources, serverId: string, onError: (error: unknown, name: string) => void);
    showPage(response: ServerResponse): Promise<void>;
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
import type { Sample } from '../scheduling/sample.ts';
export type PageJob = Omit<Job, 'delay'>;
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
export interface PageRestart {
    path: string;
    reason: string;
}
export type PageCounts = Record<JobState, number>;
export interface PageSnapshot {
    server: string;
    kinds: readonly string[];
    tree: PageNode;
    counts: PageCounts;
    jobs: PageJob[];
    progress: PageProgress[];
    samples: Sample[];
}
export interface PageChanges {
    tree?: PageNode;
    counts?: PageCounts;
    jobs?: PageJob[];
    progress?: PageProgress[];
    samples?: Sample[];
    restarts?: PageRestart[];
}
export interface PageOutput {
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
    constructor({ token, hasPassword }: Access);
}
export {};

// dist/dashboard/page-tree.d.ts
import type { NodeSnapshot } from '@tasktree/actor';
import type { PageNode } from './page-events.ts';
export declare function toPageNode(node: NodeSnapshot): PageNode;

// dist/dashboard/page-viewer.d.ts
import type { Job } from '../jobs/job.ts';
import type { JobChange } from '../store/job-feed.ts';
import type { Sample } from '../scheduling/sample.ts';
import { EventStream } from './event-stream.ts';
import type { PageCounts, PageJob, PageNode, PageRestart, PageSnapshot } from './page-events.ts';
export declare class PageViewer extends EventStream {
    #private;
    begin(snapshot: PageSnapshot): void;
    see(change: JobChange): void;
    seeRestart(restart: PageRestart): void;
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
import type { LiveSources, LiveView } from './live-view.ts';
export interface Site {
    readonly sources: LiveSources;
    readonly view: LiveView;
}
interface Exchange {
    site: Site;
    response: ServerResponse;
    words: string[];
    query: URLSearchParams;
    body: string;
}
type Handle = (exchange: Exchange) => Promise<void> | void;
export declare function findRoute(method: string, path: string): {
    handle: Handle;
    words: string[];
};
export {};

// dist/index.d.ts
export { JobClient, toRecord } from './client/job-client.ts';
export type { Job, JobKind, JobRequest, JobState } from './jobs/job.ts';
export type { Reply } from './protocol/resp.ts';
export type { ListenerOptions } from './server/listener.ts';
export { type Jobd, type JobdOptions, startJobd } from './tree/jobd.ts';

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
}
export interface Job extends JobRequest {
    id: number;
    state: JobState;
    attempts: number;
    result: string | null;
    error: string | null;
    createdAt: number;
    notBefore: number;
}
export type QueuedJob = Pick<Job, 'id' | 'kind' | 'priority' | 'notBefore'>;
export declare function isJobKind(kind: string): kind is JobKind;
export declare function isJobState(state: string): state is JobState;

// dist/jobs/perform.d.ts
import { type Executor } from '@tasktree/executor';
import type { Job } from './job.ts';
export interface Pools {
    readonly threads: Executor;
    readonly processes: Executor;
}
export interface Bench {
    readonly pools: Pools;
    readonly output: (text: string) => void;
    readonly progress: (done: number, total: number) => void;
}
export declare function perform(job: Job, bench: Bench): PromiseLike<string>;

// dist/jobs/shown-job.d.ts
import type { Job } from './job.ts';
export declare const longestShown = 1024;
export declare function shorten(job: Job): Job;

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

// dist/scheduling/job-waiters.d.ts
import type { ReplyPort } from '@tasktree/actor';
import type { Job } from '../jobs/job.ts';
export type WaitingPort = ReplyPort<Job | null>;
export declare class JobWaiters {
    #private;
    add(id: number, port: WaitingPort): void;
    remove(id: number, port: WaitingPort): boolean;
    tell(job: Job): void;
}

// dist/scheduling/metrics.d.ts
import { Actor, type ActorSystem } from '@tasktree/actor';
import type { JobFeed } from '../store/job-feed.ts';
import type { MetricsSummary, Sample } from './sample.ts';
export declare class Metrics extends Actor {
    #private;
    static readonly interleave: string[];
    constructor(system: () => ActorSystem, feed: JobFeed);
    protected onStart(): void;
    since(at: number): Sample[];
    summary(): MetricsSummary;
}

// dist/scheduling/ready-jobs.d.ts
import { type JobKind, type QueuedJob } from '../jobs/job.ts';
export declare class ReadyJobs {
    #private;
    get size(): number;
    put(job: QueuedJob): void;
    take(mayBegin: (kind: JobKind) => boolean, isWanted: (job: QueuedJob) => boolean): QueuedJob | null;
}

// dist/scheduling/sample.d.ts
export interface Spread {
    median: number;
    p95: number;
}
export interface Sample {
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

// dist/scheduling/scheduler.d.ts
import { Actor, type ActorRef, ReplyError, type ReplyPort } from '@tasktree/actor';
import { type Job, type JobKind, type JobRequest } from '../jobs/job.ts';
import type { JobFeed } from '../store/job-feed.ts';
import { type Store } from '../store/store.ts';
import type { Worker } from './worker.ts';
export type Outcome = {
    result: string;
} | {
    error: string;
} | {
    cancelled: true;
};
export interface SchedulerOptions {
    maxQueued: number;
    capacity: Partial<Record<JobKind, number>>;
}
export declare class QueueFull extends ReplyError {
    readonly name: string;
    constructor(limit: number);
}
export declare class Scheduler extends Actor {
    #private;
    constructor(store: () => ActorRef<Store>, worker: (name: string) => ActorRef<Worker>, feed: JobFeed, { maxQueued, capacity }: SchedulerOptions);
    protected onStart(): Promise<void>;
    submit(request: JobRequest): ReplyPort<number>;
    take(worker: string): ReplyPort<Job>;
    finish(worker: string, outcome: Outcome): ReplyPort<void>;
    cancel(id: number): ReplyPort<Job | null>;
    retry(id: number): ReplyPort<Job | null>;
    wait(id: number, ms?: number | null, signal?: AbortSignal | null): ReplyPort<Job | null>;
    drain(): ReplyPort<void>;
    statistics(): {
        ready: number;
        running: number;
        idle: number;
        requeued: number;
    };
}

// dist/scheduling/worker.d.ts
import { Actor, type ActorRef } from '@tasktree/actor';
import type { JobFeed } from '../store/job-feed.ts';
import { type Pools } from '../jobs/perform.ts';
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
import type { Word } from '../protocol/command-parser.ts';
import type { Metrics } from '../scheduling/metrics.ts';
import type { Password } from './password.ts';
import type { Reply } from '../protocol/resp.ts';
import { type Scheduler } from '../scheduling/scheduler.ts';
import type { Store } from '../store/store.ts';
export interface Session {
    version: 2 | 3;
    closing: boolean;
    isKnown: boolean;
    isSubscribed: boolean;
}
export interface Directory {
    readonly system: ActorSystem;
    readonly store: ActorRef<Store>;
    readonly scheduler: ActorRef<Scheduler>;
    readonly metrics: ActorRef<Metrics>;
    readonly password: Password | null;
}
export interface Command {
    readonly least: number;
    readonly most: number;
    readonly overlaps?: boolean;
    readonly isOpen?: boolean;
    readonly run: (words: readonly string[], directory: Directory, session: Session) => PromiseLike<Reply> | Reply;
}
export declare function overlaps([name]: readonly Word[]): boolean;
export declare function execute(words: readonly Word[], directory: Directory, session: Session): Promise<Reply> | Reply;

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

// dist/server/password.d.ts
export declare class Password {
    #private;
    constructor(text: string);
    matches(guess: string): Promise<boolean>;
}

// dist/store/job-feed.d.ts
import type { Job } from '../jobs/job.ts';
export type JobChange = 
{
    type: 'state';
    job: Job;
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
export declare class JobFile {
    #private;
    constructor(path: string, maxSize?: number);
    open(): DatabaseSync;
    close(): void;
}

// dist/store/store.d.ts
import { Actor, ReplyError, type ReplyPort } from '@tasktree/actor';
import type { Job, JobRequest, JobState, QueuedJob } from '../jobs/job.ts';
import type { JobFeed } from './job-feed.ts';
import type { JobFile } from './job-file.ts';
export declare class StoreError extends ReplyError {
    readonly name: string;
    constructor(cause: Error);
}
export declare class Store extends Actor {
    #private;
    constructor(file: JobFile, feed: JobFeed);
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
    fail(id: number, error: string, notBefore: number): ReplyPort<Job>;
    requeue(id: number): ReplyPort<Job>;
    retry(id: number): ReplyPort<Job>;
    recover(): ReplyPort<QueuedJob[]>;
    append(id: number, text: string): void;
    log(id: number): ReplyPort<string | null>;
    get(id: number): ReplyPort<Job | null>;
    list(state: JobState | null, limit: number): ReplyPort<Job[]>;
    counts(): ReplyPort<Partial<Record<JobState, number>>>;
}

// dist/tree/jobd.d.ts
import { ActorSystem, type Logger } from '@tasktree/actor';
import type { JobKind } from '../jobs/job.ts';
import { type ListenerOptions } from '../server/listener.ts';
export interface JobdOptions {
    file: string;
    host: string;
    port: number;
    http?: number;
    workers: number;
    password?: string;
    grace?: number;
    maxQueued?: number;
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
