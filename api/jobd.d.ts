// dist/client/connection.d.ts
import { type Reply } from '../protocol/resp.ts';
export interface Address {
    host: string;
    port: number;
    password: string | null;
}
export declare class Connection implements AsyncDisposable {
    #private;
    private constructor();
    static open({ host, port, password }: Address): Promise<Connection>;
    get isWhole(): boolean;
    get isOpen(): boolean;
    get isBusy(): boolean;
    command(words: readonly (string | number)[]): Promise<Reply>;
    retire(): void;
    wait(words: readonly (string | number)[]): Promise<Reply>;
    abort(): void;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/client/connections.d.ts
import type { Reply } from '../protocol/resp.ts';
import { type Address } from './connection.ts';
export declare class ClientClosed extends Error {
    readonly name: string;
    readonly code: string;
    constructor(message?: string, options?: ErrorOptions);
}
export declare class Connections implements AsyncDisposable {
    #private;
    constructor(address: Address);
    open(): Promise<void>;
    send(words: readonly (string | number)[]): Promise<Reply>;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/client/job-client.d.ts
import type { AttemptRecord, Job, JobFilter, JobRequest } from '../jobs/job.ts';
import type { JsonForm } from '../jobs/json-form.ts';
import type { Kinds } from '../jobs/kind.ts';
import type { Reply } from '../protocol/resp.ts';
export type AddOptions = Partial<Omit<JobRequest, 'kind' | 'payload' | 'key' | 'keep' | 'group'> & {
    key: string;
    keep: number;
    group: string;
}>;
export interface EveryOptions extends AddOptions {
    zone?: string;
    missed?: 'skip' | 'once' | 'all';
}
export type ResultOf<K> = K extends {
    run: (...args: never[]) => infer R;
} ? JsonForm<Awaited<R>> : unknown;
export declare class JobFailedError extends Error {
    readonly name: string;
    readonly code: string;
    readonly job: Job;
    constructor(job: Job);
}
export declare class JobClient<K extends object = Kinds> implements AsyncDisposable {
    #private;
    private constructor();
    static connect<K extends object = Kinds>(host: string, port: number, { password }?: {
        password?: string | null;
    }): Promise<JobClient<K>>;
    command(...words: (string | number)[]): Promise<Reply>;
    text(...words: (string | number)[]): Promise<string>;
    add(kind: keyof K & string, payload?: unknown, options?: AddOptions): Promise<number>;
    run<N extends keyof K & string>(kind: N, payload?: unknown, options?: AddOptions): Promise<ResultOf<K[N]>>;
    wait(id: number, { timeout }?: {
        timeout?: number;
    }): Promise<Job | null>;
    result(id: number, options?: {
        timeout?: number;
    }): Promise<unknown>;
    get(id: number): Promise<Job | null>;
    list(filter?: JobFilter & {
        limit?: number;
    }): Promise<Job[]>;
    cancel(id: number): Promise<void>;
    retry(id: number): Promise<void>;
    log(id: number, { attempt }?: {
        attempt?: number;
    }): Promise<string>;
    attempts(id: number): Promise<AttemptRecord[]>;
    every(name: string, times: string | number, kind: keyof K & string, payload?: unknown, options?: EveryOptions): Promise<Date>;
    unschedule(name: string): Promise<void>;
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
    nameOf(request: IncomingMessage): string | null;
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
import type { Output } from '../store/job-outputs.ts';
import type { PageOutput } from './page-events.ts';
export declare class JobOutput {
    #private;
    constructor(id: number, send: (event: 'log' | 'output' | 'end', data: PageOutput) => void);
    begin(before: Output, isOver: boolean): void;
    see(change: JobChange): void;
    flush(): boolean;
}

// dist/dashboard/live-view.d.ts
import type { ServerResponse } from 'node:http';
import type { ActorRef, ActorSystem } from '@tasktree/actor';
import type { KindTable } from '../jobs/kind-table.ts';
import type { JobFeed } from '../store/job-feed.ts';
import type { History } from '../scheduling/history.ts';
import type { Store } from '../store/store.ts';
import type { PageControls, PageSnapshot } from './page-events.ts';
export interface LiveSources {
    readonly system: ActorSystem;
    readonly store: ActorRef<Store>;
    readonly kinds: KindTable;
    readonly feed: JobFeed;
    readonly history: History;
    readonly controls: () => Promise<PageControls>;
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
import type { Output } from '../store/job-outputs.ts';
import { EventStream } from './event-stream.ts';
export declare class OutputViewer extends EventStream {
    #private;
    constructor(id: number, response: ServerResponse);
    begin(before: Output, isOver: boolean): void;
    see(change: JobChange): void;
    flush(): void;
}

// dist/dashboard/page-events.d.ts
import type { Job, JobState } from '../jobs/job.ts';
import type { KindLimits } from '../jobs/kind-limits.ts';
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
export interface PageTable {
    jobs: PageJob[];
    counts: PageCounts;
    total: number;
}
export interface PageControls {
    isAllPaused: boolean;
    kinds: {
        name: string;
        pool: string | null;
        isPaused: boolean;
        limits: KindLimits;
    }[];
    schedules: {
        name: string;
        spec: string;
        zone: string | null;
        kind: string;
        payload: string;
        nextAt: number | null;
        lastAt: number | null;
        lastJob: number | null;
    }[];
}
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
    attempt: number;
    head: string;
    omitted: number;
    text: string;
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
    flushOutputs(): void;
}
export declare function toPageJob(job: Job): PageJob;
export declare function cut(text: string): string;

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
export declare function hasRoute(method: string, path: string): boolean;
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
export { ClientClosed } from './client/connections.ts';
export { type AddOptions, type EveryOptions, JobClient, JobFailedError, type ResultOf, toRecord, } from './client/job-client.ts';
export type { AttemptRecord, Job, JobFilter, JobRequest, JobState } from './jobs/job.ts';
export { defineKinds, type JobContext, type Kind, type Kinds, type Pools } from './jobs/kind.ts';
export type { JsonForm } from './jobs/json-form.ts';
export type { Rate } from './jobs/kind-limits.ts';
export { KindError, type KindSource, type Reloaded } from './jobs/kind-table.ts';
export { ErrorReply, ProtocolError, type Reply } from './protocol/resp.ts';
export type { LimitChange } from './jobs/kind-limits.ts';
export type { Token } from './server/credentials.ts';
export type { ListenerOptions } from './server/listener.ts';
export { JobFileError } from './store/job-file.ts';
export type { Retention } from './store/retention.ts';
export { type Jobd, type JobdOptions, startJobd } from './tree/jobd.ts';

// dist/jobs/built-in-kinds.d.ts
import { type Kinds } from './kind.ts';
export declare const builtInKinds: Kinds;

// dist/jobs/child-output.d.ts
import type { Process } from '@tasktree/subprocess';
import type { JobContext } from './kind.ts';
export declare const killGrace = 500;
export declare function outcomeOf(child: Process, ctx: Pick<JobContext, 'output'>): Promise<string>;

// dist/jobs/describe-error.d.ts
export declare function describeError(error: unknown): string;

// dist/jobs/fetch.d.ts
import { type Kind } from './kind.ts';
export declare const fetchUrl: {
    readonly fetch: Kind<URL>;
};

// dist/jobs/hash.d.ts
import { type Kind } from './kind.ts';
export declare const hash: {
    readonly hash: Kind;
};

// dist/jobs/in-pools.d.ts
export declare function hash(path: string): Promise<string>;
export declare function words(path: string): Promise<string>;
export declare function primes(n: number): string;
export { runKind } from './kind-in-worker.ts';

// dist/jobs/job.d.ts
export declare const jobStates: readonly ['queued', 'running', 'done', 'failed', 'cancelled'];
export type JobState = (typeof jobStates)[number];
export declare const finalStates: ReadonlySet<JobState>;
export interface JobRequest {
    kind: string;
    payload: string;
    priority: number;
    delay: number;
    timeout: number;
    retries: number;
    key: string | null;
    keep: number | null;
    group: string | null;
}
export interface Job extends JobRequest {
    id: number;
    state: JobState;
    attempts: number;
    deaths: number;
    result: string | null;
    resultType: 'text' | 'json' | null;
    error: string | null;
    createdAt: number;
    notBefore: number;
    startedAt: number | null;
    endedAt: number | null;
    schedule: string | null;
    scheduledAt: number | null;
}
export interface AttemptRecord {
    attempt: number;
    state: 'running' | 'done' | 'failed' | 'cancelled' | 'lost';
    startedAt: number | null;
    endedAt: number | null;
    error: string | null;
    outputSize: number;
}
export interface QueuedJob {
    readonly id: number;
    readonly kind: string;
    readonly group: string | null;
    readonly priority: number;
    readonly dueAt: number;
}
export interface JobFilter {
    state?: JobState;
    kind?: string;
    key?: string;
    group?: string;
    schedule?: string;
    search?: string;
    older?: number;
    since?: number;
    until?: number;
}
export declare function isJobState(state: string): state is JobState;

// dist/jobs/json-form.d.ts
type LeftOut = undefined | symbol | ((...args: never[]) => unknown);
type Kept<V> = [Exclude<V, LeftOut>] extends [never] ? false : true;
type JsonObject<T> = {
    [K in keyof T as K extends symbol ? never : Extract<T[K], LeftOut> extends never ? K : never]: JsonForm<T[K]>;
} & {
    [K in keyof T as K extends symbol ? never : Extract<T[K], LeftOut> extends never ? never : Kept<T[K]> extends true ? K : never]?: JsonForm<Exclude<T[K], LeftOut>>;
};
type Flat<T> = {
    [K in keyof T]: T[K];
};
type JsonElement<V> = V extends LeftOut ? null : JsonForm<V>;
export type JsonForm<T> = 0 extends 1 & T ? T : unknown extends T ? unknown : T extends string | number | boolean | null | undefined ? T : T extends bigint | LeftOut ? never : T extends {
    toJSON: (...args: never[]) => infer J;
} ? JsonForm<J> : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> ? Record<string, never> : T extends ArrayBufferView & ArrayLike<number> ? Record<string, number> : T extends readonly unknown[] ? {
    [I in keyof T]: JsonElement<T[I]>;
} : T extends object ? Flat<JsonObject<T>> : undefined;
export {};

// dist/jobs/kind-in-worker.d.ts
import { type JobContext } from './kind.ts';
import { type StoredResult } from './stored-value.ts';
export interface AttemptFacts extends Pick<JobContext, 'id' | 'kind' | 'attempt' | 'idempotencyKey' | 'scheduledAt'> {
    payload: string;
    steps: readonly (readonly [name: string, text: string])[];
}
export type WorkerReport = {
    progress: readonly [done: number, total: number];
} | {
    output: string;
} | {
    step: readonly [name: string, text: string];
};
export declare function isWorkerReport(value: unknown): value is WorkerReport;
export declare function runKind(url: string, facts: AttemptFacts): Promise<StoredResult>;

// dist/jobs/kind-limits.d.ts
export interface Rate {
    readonly limit: number;
    readonly per?: number;
}
export interface KindLimits {
    concurrency: number | null;
    rate: Required<Rate> | null;
    groupConcurrency: number | null;
    groupRate: Required<Rate> | null;
}
export interface LimitChange {
    concurrency?: number | null;
    rate?: Rate | null;
    groupConcurrency?: number | null;
    groupRate?: Rate | null;
}

// dist/jobs/kind-table.d.ts
import type { Job } from './job.ts';
import { type JobContext, type Kind, type Kinds } from './kind.ts';
import { type StoredResult } from './stored-value.ts';
export type KindSource = Kinds | URL;
export declare class KindError extends Error {
    readonly name: string;
    readonly code: string;
}
export interface Reloaded {
    reloaded: string[];
    kept: string[];
}
export type CommittedSteps = readonly (readonly [name: string, text: string])[];
export interface JobTools extends Pick<JobContext, 'pools' | 'progress' | 'output'> {
    readonly steps: CommittedSteps;
    readonly saveStep: (name: string, text: string) => PromiseLike<void>;
    readonly isOver: () => boolean;
    readonly fail: (reason: string) => boolean;
}
export declare class KindTable {
    #private;
    private constructor();
    static load(source: KindSource | undefined, builtIn: boolean): Promise<KindTable>;
    reload(): Promise<Reloaded>;
    has(name: string): boolean;
    get(name: string): Kind<unknown> | undefined;
    get names(): string[];
    check(name: string): void;
    checkPayload(name: string, payload: string): void;
    perform(job: Job, tools: JobTools): Promise<StoredResult>;
}

// dist/jobs/kind.d.ts
import type { Executor } from '@tasktree/executor';
import type { JsonForm } from './json-form.ts';
import type { Rate } from './kind-limits.ts';
export interface Pools {
    readonly threads: Executor;
    readonly processes: Executor;
}
export interface JobContext {
    readonly id: number;
    readonly kind: string;
    readonly attempt: number;
    readonly idempotencyKey: string;
    readonly scheduledAt: number | null;
    readonly pools: Pools;
    readonly progress: (done: number, total: number) => void;
    readonly log: (line: string) => void;
    readonly output: (text: string) => void;
    readonly step: <T>(name: string, work: () => T | PromiseLike<T>) => Promise<JsonForm<T>>;
}
export interface Kind<P = string, R = unknown> {
    readonly placeholder?: string;
    readonly parse?: (payload: string) => P;
    run(payload: P, ctx: JobContext): R | PromiseLike<R>;
    readonly pool?: 'threads' | 'processes';
    readonly concurrency?: number;
    readonly rate?: Rate;
    readonly groupConcurrency?: number;
    readonly groupRate?: Rate;
    readonly timeout?: number;
    readonly retries?: number;
}
export type Kinds = Readonly<Record<string, Kind<any>>>;
type Payload<P> = 0 extends 1 & P ? P : unknown extends P ? string : P;
interface KindOf<P> extends Omit<Kind<P>, 'run'> {
    run(payload: Payload<NoInfer<P>>, ctx: JobContext): unknown;
}
type Checked<K> = K extends {
    parse: (payload: string) => infer P;
} ? 0 extends 1 & P ? unknown : unknown extends P ? {
    run: (payload: unknown, ctx: JobContext) => unknown;
} : Extract<P, PromiseLike<unknown>> extends never ? {
    run: (payload: P, ctx: JobContext) => unknown;
} : {
    parse: 'parse must not be asynchronous';
} : unknown;
export declare function defineKinds<P, const T>(kinds: {
    [K in keyof P]: KindOf<P[K]>;
} & T & {
    [K in keyof T]: Checked<T[K]>;
}): NoInfer<T>;
export declare function isKinds(value: unknown): value is Kinds;
export declare const mostInRate = 100000;
export declare function checkRate(what: string, rate: Rate): void;
export {};

// dist/jobs/payload-parsers.d.ts
export declare function parseText(what: string): (payload: string) => string;
export declare function parseWholeNumber(what: string, most: number): (payload: string) => number;

// dist/jobs/pool-jobs.d.ts
import { type JobFuture } from '@tasktree/executor';
import type * as InPools from './in-pools.ts';
import type { JobContext } from './kind.ts';
export declare const poolJobs: import("@tasktree/executor").JobRefs<typeof InPools>;
export declare function follow(job: JobFuture<string>, ctx: JobContext): JobFuture<string>;

// dist/jobs/primes.d.ts
import { type Kind } from './kind.ts';
export declare const primes: {
    readonly primes: Kind<number>;
};

// dist/jobs/python.d.ts
import { type Kind } from './kind.ts';
export declare const python: {
    readonly python: Kind;
};

// dist/jobs/renewable-pool.d.ts
import type { Executor } from '@tasktree/executor';
export declare class RenewablePool implements AsyncDisposable {
    #private;
    constructor(make: () => Executor);
    get current(): Executor;
    renew(): void;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/jobs/reporters.d.ts
import type { JobContext } from './kind.ts';
export declare function makeReporters(progress: (done: number, total: number) => void, output: (text: string) => void): Pick<JobContext, 'progress' | 'log' | 'output'>;

// dist/jobs/shell.d.ts
import { type Kind } from './kind.ts';
export declare const shell: {
    readonly shell: Kind;
};

// dist/jobs/shorten.d.ts
export declare const longestError = 8192;
export declare function shorten(text: string): string;

// dist/jobs/shown-job.d.ts
import type { Job } from './job.ts';
export declare const longestShown = 1024;
export declare function shorten(job: Job): Job;

// dist/jobs/sleep.d.ts
import { type Kind } from './kind.ts';
export declare const sleep: {
    readonly sleep: Kind<number>;
};

// dist/jobs/steps.d.ts
import type { JsonForm } from './json-form.ts';
export declare class Steps {
    #private;
    constructor(known: Iterable<readonly [name: string, text: string]>, save: (name: string, text: string) => PromiseLike<void> | void, isOver: () => boolean);
    readonly run: <T>(name: string, work: () => T | PromiseLike<T>) => Promise<JsonForm<T>>;
}

// dist/jobs/stored-value.d.ts
export interface StoredResult {
    readonly text: string | null;
    readonly type: 'text' | 'json' | null;
}
export declare function storeResult(value: unknown): StoredResult;
export declare function storeStep(name: string, value: unknown): string;
export declare function readStep(text: string): unknown;

// dist/jobs/uncaught-errors.d.ts
export interface Blamed {
    readonly name: string;
    readonly fail: (reason: string) => boolean;
}
export declare function blamed<T>({ name, fail }: Blamed, work: () => T | PromiseLike<T>): Promise<T>;
export declare function watchLeftBehind(log: (text: string) => void): Disposable;

// dist/jobs/words.d.ts
import { type Kind } from './kind.ts';
export declare const words: {
    readonly words: Kind;
};

// dist/log/control-characters.d.ts
export declare function escapeControlCharacters(text: string): string;

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
    readonly code: string;
}
export declare class ErrorReply extends Error {
    readonly name: string;
    readonly code: string;
    constructor(message: string);
}
export declare function encode(reply: Reply, version: 2 | 3): string;
export declare function encodeCommand(words: readonly (string | Buffer)[]): Buffer;
export declare function readReply(reader: StreamReader): Promise<Reply>;

// dist/scheduling/admission.d.ts
import type { ActorRef } from '@tasktree/actor';
import type { LimitChange } from '../jobs/kind-limits.ts';
import type { KindTable } from '../jobs/kind-table.ts';
import type { Store } from '../store/store.ts';
import { Limits } from './limits.ts';
import { Pauses } from './pauses.ts';
import type { Openings } from './ready-jobs.ts';
export interface AdmissionHooks {
    after: (ms: number, call: () => void) => void;
    unblock: (kind: string, group: string) => void;
    dispatch: () => void;
}
export declare class Admission implements Openings {
    #private;
    readonly pauses: Pauses;
    readonly limits: Limits;
    constructor(table: KindTable, limits: Readonly<Record<string, LimitChange>>, hooks: AdmissionHooks);
    get kinds(): string[];
    read(asks: ActorRef<Store>['ask']): Promise<void>;
    sweep(): number;
    kind(kind: string): boolean;
    group(kind: string, group: string): boolean;
}

// dist/scheduling/attempt.d.ts
import { Future } from '@tasktree/core';
import type { QueuedJob } from '../jobs/job.ts';
import type { StoredResult } from '../jobs/stored-value.ts';
import type { Place } from './limits.ts';
export type Outcome = {
    result: StoredResult;
} | {
    error: string;
} | {
    cancelled: true;
};
export interface Attempt {
    readonly queued: QueuedJob;
    readonly place: Place;
    begunAt: number;
    isCancelled: boolean;
    attempts: number;
    isEnding: boolean;
}
export declare class AttemptCode {
    #private;
    readonly outcome: Future<Outcome>;
    readonly ended: Future<void>;
    constructor(perform: () => Promise<StoredResult>, limit: number, onAbandon: () => void);
    get isOver(): boolean;
    cancel(): void;
    fail(reason: string): boolean;
}
export declare class AttemptCodes {
    #private;
    add(code: AttemptCode): void;
    ended(): Promise<void>;
}

// dist/scheduling/change-setting.d.ts
import type { ActorContext, ReplyPort } from '@tasktree/actor';
export interface Setting {
    toString(): string;
    parse(text: string | null): void;
}
export declare function changeSetting<S extends Setting>(setting: S, change: (setting: S) => void, write: (text: string) => PromiseLike<void>, ctx: ActorContext, done: () => void): ReplyPort<void>;

// dist/scheduling/cron.d.ts
export declare class ScheduleError extends RangeError {
    readonly name: string;
}
export declare class Times {
    #private;
    constructor(spec: string, zone: string | null);
    get isOfWallClock(): boolean;
    after(time: number): number | null;
}

// dist/scheduling/dispatcher.d.ts
import { type ActorContext, type ActorRef, type ReplyPort } from '@tasktree/actor';
import type { Job, QueuedJob } from '../jobs/job.ts';
import type { Store } from '../store/store.ts';
import type { Admission } from './admission.ts';
import type { Outcome } from './attempt.ts';
import type { JobQueue } from './job-queue.ts';
import type { Worker } from './worker.ts';
export interface DispatcherParts {
    readonly ctx: ActorContext;
    readonly queue: JobQueue;
    readonly admission: Admission;
    readonly asks: () => ActorRef<Store>['ask'];
    readonly worker: (name: string) => ActorRef<Worker>;
    readonly mayBegin: () => boolean;
    readonly checkClock: () => void;
    readonly publish: (job: Job, times: {
        waited?: number;
        ran?: number;
    }) => void;
    readonly enqueue: (job: Omit<QueuedJob, 'dueAt'>, delay: number) => void;
    readonly over: (job: Job, times: {
        ran?: number;
    }) => void;
}
export declare class Dispatcher {
    #private;
    constructor(parts: DispatcherParts);
    get statistics(): {
        running: number;
        idle: number;
        requeued: number;
    };
    take(worker: string): ReplyPort<Job>;
    finish(worker: string, outcome: Outcome): ReplyPort<void>;
    cancel(id: number): void;
    idle(ticket: string): ReplyPort<void>;
    stopIdle(ticket: string): void;
    dispatch(): void;
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

// dist/scheduling/job-intake.d.ts
import type { ActorContext, ActorRef, ReplyPort } from '@tasktree/actor';
import type { Job, JobRequest, JobState } from '../jobs/job.ts';
import type { Revival } from '../store/job-rows.ts';
import type { Schedule } from '../store/schedule-rows.ts';
import type { Store } from '../store/store.ts';
import type { JobQueue } from './job-queue.ts';
export interface IntakeParts {
    readonly ctx: ActorContext;
    readonly queue: JobQueue;
    readonly maxQueued: number;
    readonly asks: () => ActorRef<Store>['ask'];
    readonly queued: (job: Job, delay: number) => void;
}
export declare class JobIntake {
    #private;
    constructor(parts: IntakeParts);
    add(request: JobRequest): ReplyPort<number>;
    fire(schedule: Schedule, due: readonly number[], nextAt: number | null): ReplyPort<number[]>;
    revive(id: number, states: readonly JobState[]): ReplyPort<Revival>;
}

// dist/scheduling/job-queue.d.ts
import type { QueuedJob } from '../jobs/job.ts';
import { type Openings } from './ready-jobs.ts';
export declare class JobQueue {
    #private;
    constructor(after: (ms: number, call: () => void) => void, onDue: () => void);
    get size(): number;
    get readySize(): number;
    get(id: number): QueuedJob | undefined;
    add({ id, kind, group, priority }: Omit<QueuedJob, 'dueAt'>, delay: number): boolean;
    putBack(job: QueuedJob): boolean;
    remove(id: number): QueuedJob | undefined;
    take(openings: Openings): QueuedJob | null;
    unblock(kind: string, group: string): void;
    unblockAll(kind: string): void;
}

// dist/scheduling/job-waiters.d.ts
import type { ActorContext, ReplyPort } from '@tasktree/actor';
import { type Job } from '../jobs/job.ts';
export interface Waiter {
    readonly port: ReplyPort<Job | null>;
    timer: Disposable | null;
    readonly ticket: string | null;
    readonly cancels: boolean;
}
export declare class JobWaiters {
    #private;
    add(id: number, waiter: Waiter): void;
    settleIfOver(id: number, waiter: Waiter, reply: PromiseLike<Job | null>, ctx: ActorContext): void;
    remove(id: number, waiter: Waiter): boolean;
    removeTicket(id: number, ticket: string): void;
    tell(job: Job): void;
    isCancelled(id: number): boolean;
    get jobs(): number[];
    get size(): number;
}

// dist/scheduling/limits.d.ts
import type { Kind } from '../jobs/kind.ts';
import type { KindLimits, LimitChange, Rate } from '../jobs/kind-limits.ts';
export declare class Gate {
    #private;
    opensAt(concurrency: number | null, rate: Required<Rate> | null, now: number): number;
    enter(): void;
    begin(now: number, isRated: boolean): void;
    giveUp(): void;
    leave(): void;
    remember(at: number): void;
    isIdle(longest: number, now: number): boolean;
}
export interface Place {
    begin(): void;
    giveUp(): void;
    leave(): void;
}
export declare class Limits {
    #private;
    constructor(kindOf: (name: string) => Kind<unknown> | undefined, given: Readonly<Record<string, LimitChange>>, now: () => number);
    of(kind: string): KindLimits;
    change(kind: string, change: LimitChange | null): void;
    toString(): string;
    parse(text: string | null): void;
    remember(kind: string, group: string | null, at: number): void;
    isRated(kind: string): boolean;
    opensAt(kind: string): number;
    groupOpensAt(kind: string, group: string): number;
    enter(kind: string, group: string | null): Place;
    sweep(): void;
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

// dist/scheduling/pass-on-error.d.ts
export declare function passOn(error: unknown): unknown;

// dist/scheduling/pauses.d.ts
export declare const everyKind = "*";
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

// dist/scheduling/queue-loader.d.ts
import type { ActorRef } from '@tasktree/actor';
import type { Store } from '../store/store.ts';
import type { JobQueue } from './job-queue.ts';
export declare class QueueLoader {
    #private;
    constructor(queue: JobQueue);
    get isOpen(): boolean;
    read(asks: ActorRef<Store>['ask']): Promise<void>;
    open(): void;
}

// dist/scheduling/queue-statistics.d.ts
export interface QueueStatistics {
    ready: number;
    running: number;
    idle: number;
    requeued: number;
    waiters: number;
    paused: string[];
}

// dist/scheduling/ready-jobs.d.ts
import type { QueuedJob } from '../jobs/job.ts';
export interface Openings {
    kind(kind: string): boolean;
    group(kind: string, group: string): boolean;
}
export declare class ReadyJobs {
    #private;
    constructor(isWanted: (job: QueuedJob) => boolean);
    get size(): number;
    put(job: QueuedJob): void;
    take(openings: Openings): QueuedJob | null;
    unblock(kind: string, group: string): void;
    unblockAll(kind: string): void;
}

// dist/scheduling/retry-delay.d.ts
export declare const longestRetryDelay: number;
export declare function delayAfter(attempts: number): number;

// dist/scheduling/retry-writing.d.ts
import type { ActorContext } from '@tasktree/actor';
export declare const storeRetryDelay = 1000;
export declare function retryWriting<T>(ctx: ActorContext, write: () => PromiseLike<T>, done: (value: T) => void): void;

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
import type { Job, JobRequest, JobState } from '../jobs/job.ts';
import type { KindTable } from '../jobs/kind-table.ts';
import type { JobFeed } from '../store/job-feed.ts';
import type { Revival } from '../store/job-rows.ts';
import type { Schedule } from '../store/schedule-rows.ts';
import type { Store } from '../store/store.ts';
import type { Outcome } from './attempt.ts';
import type { KindLimits, LimitChange } from '../jobs/kind-limits.ts';
import type { QueueStatistics } from './queue-statistics.ts';
import type { Worker } from './worker.ts';
export interface SchedulerOptions {
    maxQueued: number;
    kinds: KindTable;
    limits: Readonly<Record<string, LimitChange>>;
}
export declare class Scheduler extends Actor {
    #private;
    constructor(store: () => ActorRef<Store>, worker: (name: string) => ActorRef<Worker>, feed: JobFeed, { maxQueued, kinds, limits }: SchedulerOptions);
    protected onStart(): Promise<void>;
    open(): void;
    submit(request: JobRequest): ReplyPort<number>;
    fire(schedule: Schedule, due: readonly number[], nextAt: number | null): ReplyPort<number[]>;
    take(worker: string): ReplyPort<Job>;
    finish(worker: string, outcome: Outcome): ReplyPort<void>;
    cancel(id: number): ReplyPort<Job | null>;
    revive(id: number, states: readonly JobState[]): ReplyPort<Revival>;
    wait(id: number, ms?: number | null, ticket?: string | null): ReplyPort<Job | null>;
    stopWaiting(id: number, ticket: string): void;
    pause(kind: string | null): ReplyPort<void>;
    resume(kind: string | null): ReplyPort<void>;
    limit(kind: string, change: LimitChange | null): ReplyPort<void>;
    limitsOf(kind: string): KindLimits;
    kindsChanged(): void;
    idle(ticket: string): ReplyPort<void>;
    stopIdle(ticket: string): void;
    drain(): ReplyPort<void>;
    statistics(): QueueStatistics;
}

// dist/scheduling/schedules.d.ts
import { Actor, type ActorRef, type ReplyPort } from '@tasktree/actor';
import type { MissedPolicy, Schedule, ScheduleRequest } from '../store/schedule-rows.ts';
import type { Store } from '../store/store.ts';
import type { Scheduler } from './scheduler.ts';
import { Times } from './cron.ts';
export interface Due {
    times: number[];
    nextAt: number | null;
}
export declare function dueTimes(times: Times, { nextAt, missed }: {
    nextAt: number | null;
    missed: MissedPolicy;
}, now: number): Due;
export declare class Schedules extends Actor {
    #private;
    constructor(store: () => ActorRef<Store>, scheduler: () => ActorRef<Scheduler>);
    protected onStart(): void;
    list(): Schedule[];
    put(request: ScheduleRequest): ReplyPort<number | null>;
    remove(name: string): ReplyPort<void>;
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
import type { KindTable } from '../jobs/kind-table.ts';
import { type AttemptCodes } from './attempt.ts';
import type { Scheduler } from './scheduler.ts';
import type { Store } from '../store/store.ts';
export interface Workshop {
    readonly store: () => ActorRef<Store>;
    readonly scheduler: () => ActorRef<Scheduler>;
    readonly kinds: KindTable;
    readonly pools: Pools;
    readonly feed: JobFeed;
    readonly codes: AttemptCodes;
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
import { type KindTable, type Reloaded } from '../jobs/kind-table.ts';
import type { Schedules } from '../scheduling/schedules.ts';
import type { Metrics } from '../scheduling/metrics.ts';
import type { PushedWaits } from './pushed-waits.ts';
import type { Reply } from '../protocol/resp.ts';
import type { Scheduler } from '../scheduling/scheduler.ts';
import type { Store } from '../store/store.ts';
export interface Session {
    version: 2 | 3;
    closing: boolean;
    who: string | null;
    address: string;
    isSubscribed: boolean;
    readonly waits: PushedWaits | null;
}
export interface Directory {
    readonly system: ActorSystem;
    readonly store: ActorRef<Store>;
    readonly scheduler: ActorRef<Scheduler>;
    readonly metrics: ActorRef<Metrics>;
    readonly schedules: ActorRef<Schedules>;
    readonly kinds: KindTable;
    readonly reload: () => Promise<Reloaded>;
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

// dist/server/job-arguments.d.ts
import { type JobFilter, type JobRequest } from '../jobs/job.ts';
import type { KindTable } from '../jobs/kind-table.ts';
export declare const filterNames: readonly string[];
export declare const mostFilterWords: number;
export declare function parseFilter(words: readonly string[]): JobFilter;
export declare function toFilter(options: ReadonlyMap<string, string>): JobFilter;
export declare const requestOptions: string[];
export declare function toRequest(kind: string, payload: string, options: ReadonlyMap<string, string>, kinds: KindTable): JobRequest;
export declare function parseRequest([kind, payload, ...rest]: readonly string[], kinds: KindTable): JobRequest;
export declare function parseId(text: string | undefined): number;

// dist/server/job-commands.d.ts
import type { Reply } from '../protocol/resp.ts';
import type { Command, Directory } from './commands.ts';
export declare const jobCommands: Record<string, Command>;
export declare function parseWait(id: string | undefined, words: readonly string[], scheduler: Directory['scheduler']): {
    ticket: string | undefined;
    waiting: () => Promise<Reply>;
};

// dist/server/kind-commands.d.ts
import type { Command } from './commands.ts';
export declare const kindCommands: Record<string, Command>;

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

// dist/server/login-delays.d.ts
export declare class LoginDelays {
    #private;
    delayAfter(address: string, isRight: boolean): number;
}

// dist/server/passing-errors.d.ts
export declare function isPassing(error: unknown): error is Error;

// dist/server/pushed-waits.d.ts
import type { Reply } from '../protocol/resp.ts';
export interface Pushing {
    push(message: Reply[]): void;
    hasRoom(): boolean;
    room(): Promise<void>;
}
export declare class PushedWaits implements Disposable {
    #private;
    constructor(client: Pushing);
    begin(ticket: string, wait: () => PromiseLike<Reply>): void;
    end(ticket: string): boolean;
    [Symbol.dispose](): void;
}

// dist/store/attempt-rows.d.ts
import type { AttemptRecord, Job } from '../jobs/job.ts';
import type { JobOutputs } from './job-outputs.ts';
import type { Statements } from './statements.ts';
export declare const keptAttempts = 20;
export declare const attemptColumns = "job, attempt, state, startedAt, endedAt, error";
export declare function keepAsLost(where: string): string;
export declare function attemptsOf(job: Job, statements: Statements, outputs: JobOutputs): AttemptRecord[];

// dist/store/file-lock.d.ts
export declare class FileLock implements Disposable {
    #private;
    private constructor();
    static acquire(file: string, patience: number, onWait?: () => void): Promise<FileLock | null>;
    static tryAcquire(file: string): FileLock | null;
    [Symbol.dispose](): void;
}
export declare function lockPathOf(file: string): string;
export declare function realPathOf(file: string): string;

// dist/store/group-commit.d.ts
import type { DatabaseSync } from 'node:sqlite';
import { type ActorContext, ReplyError, type ReplyPort } from '@tasktree/actor';
export declare class StoreError extends ReplyError {
    readonly name: string;
    constructor(cause: Error);
}
interface Uncommitted {
    settle: () => void;
    fail: (error: StoreError) => void;
}
export interface TransactionHooks {
    committed: () => void;
    rolledBack: () => void;
}
export declare class GroupCommit {
    #private;
    constructor(database: DatabaseSync, ctx: ActorContext, hooks: TransactionHooks);
    read<T>(work: () => T): ReplyPort<T>;
    write<T>(work: () => T): ReplyPort<T>;
    do(work: () => unknown, uncommitted: Uncommitted): void;
    commit(): void;
}
export {};

// dist/store/held-outputs.d.ts
export interface HeldOutput {
    readonly job: number;
    readonly attempt: number;
    text: string;
}
export declare class HeldOutputs {
    #private;
    get length(): number;
    add(job: number, attempt: number, text: string): void;
    take(): HeldOutput[];
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
    attempt: number;
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
    readonly code: string;
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
export declare function holderOf(path: string): string;
interface SqliteError extends Error {
    errcode: number;
}
export declare function isSqlite(error: unknown): error is SqliteError;
export declare function isPassingFailure({ errcode }: {
    errcode: number;
}): boolean;
export {};

// dist/store/job-outputs.d.ts
import type { Statements } from './statements.ts';
export interface Output {
    attempt: number;
    head: string;
    omitted: number;
    tail: string;
    size: number;
}
export declare class JobOutputs {
    #private;
    constructor(statements: Statements);
    append(job: number, attempt: number, text: string): number;
    close(job: number): void;
    rolledBack(): void;
    read(job: number, attempt: number): Output;
    sizes(job: number): Map<number, number>;
}
export declare function textOf({ head, omitted, tail }: Output): string;

// dist/store/job-pages.d.ts
import type { DatabaseSync } from 'node:sqlite';
import { type Job, type JobFilter, type JobState } from '../jobs/job.ts';
export declare const tableSorts: readonly ['running', 'id', 'kind', 'state', 'attempts', 'priority', 'duration', 'endedAt'];
export type TableSort = (typeof tableSorts)[number];
export interface TableQuery {
    filter: JobFilter;
    sort: TableSort;
    isDescending: boolean;
    offset: number;
    limit: number;
}
export interface JobTable {
    jobs: Job[];
    counts: Record<JobState, number>;
    total: number;
}
export declare function readTable(database: DatabaseSync, { filter, sort, isDescending, offset, limit }: TableQuery, counts: Readonly<Record<JobState, number>>): JobTable;

// dist/store/job-records.d.ts
import type { Job, JobFilter, JobRequest, JobState } from '../jobs/job.ts';
import type { StoredResult } from '../jobs/stored-value.ts';
import { type Revival, type StoredQueuedJob } from './job-rows.ts';
import type { Statements } from './statements.ts';
export interface Added {
    job: Job;
    isNew: boolean;
}
export interface ScheduledTime {
    schedule: string;
    scheduledAt: number;
}
export declare class JobRecords {
    #private;
    constructor(statements: Statements);
    committed(): void;
    rolledBack(): void;
    get counts(): Readonly<Record<JobState, number>>;
    find(id: number): Job | null;
    list(filter: JobFilter, limit: number): Job[];
    queued(after: number, limit: number): StoredQueuedJob[];
    matching(filter: JobFilter, states: readonly JobState[], after: number, limit: number): number[];
    add(request: JobRequest, time?: ScheduledTime | null): Added;
    keyHolder(key: string): number | null;
    freeTime(schedule: string, at: number): number;
    begin(id: number, now: number): Job;
    end(id: number, state: JobState, { text, type }: StoredResult): Job;
    fail(id: number, error: string, delay: number): Job;
    requeue(id: number, reason: string): Job;
    requeueRunning(reason: string): void;
    revive(id: number, states: readonly JobState[]): Revival;
    shiftTimes(ms: number): void;
    delete(ids: readonly number[]): number[];
}

// dist/store/job-rows.d.ts
import type { SQLInputValue } from 'node:sqlite';
import { type Job, type JobFilter, type JobState } from '../jobs/job.ts';
export declare const columns = "id, kind, payload, priority, delay, timeout, retries, key, keep, \"group\", state, attempts, deaths, result, resultType, error, createdAt, notBefore, startedAt, endedAt, schedule, scheduledAt";
export declare const shortColumns: string;
export type StoredQueuedJob = Pick<Job, 'id' | 'kind' | 'group' | 'priority' | 'delay' | 'attempts' | 'deaths' | 'notBefore'>;
export type Revival = {
    before: Job | null;
    job: Job | null;
    keyHolder: number | null;
};
export declare const noJobs: () => Record<JobState, number>;
export declare function hasLetGo({ state, keep, endedAt }: Job, now: number): boolean;
export declare function conditionsOf({ state, kind, key, group, schedule, search, older, since, until }: JobFilter, more?: readonly string[]): {
    where: string;
    values: SQLInputValue[];
};

// dist/store/put-in-place.d.ts
export declare function putInPlace(part: string, target: string): void;
export declare function flush(path: string): void;

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

// dist/store/schedule-rows.d.ts
import type { DatabaseSync } from 'node:sqlite';
import type { JobRequest } from '../jobs/job.ts';
export declare const missedPolicies: readonly ['skip', 'once', 'all'];
export type MissedPolicy = (typeof missedPolicies)[number];
export interface ScheduleRequest {
    readonly name: string;
    readonly spec: string;
    readonly zone: string | null;
    readonly missed: MissedPolicy;
    readonly request: JobRequest;
}
export interface Schedule extends ScheduleRequest {
    readonly createdAt: number;
    readonly nextAt: number | null;
    readonly lastAt: number | null;
    readonly lastJob: number | null;
}
export declare function isInterval(spec: string): boolean;
export declare function listSchedules(database: DatabaseSync): Schedule[];
export declare function putSchedule(database: DatabaseSync, { name, spec, zone, missed, request }: ScheduleRequest, nextAt: number | null): void;
export declare function removeSchedule(database: DatabaseSync, name: string): boolean;
export declare function advanceSchedule(database: DatabaseSync, name: string, { nextAt, at, job }: {
    nextAt: number | null;
    at: number | null;
    job: number | null;
}): void;

// dist/store/schema.d.ts
import type { DatabaseSync } from 'node:sqlite';
export declare const applicationId = 1785684580;
export declare const schemaVersion = 3;
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

// dist/store/server-deaths.d.ts
import type { DatabaseSync } from 'node:sqlite';
export declare function settleDeaths(database: DatabaseSync, maxDeaths: number): void;
export declare function requeueAtEnd(database: DatabaseSync): void;

// dist/store/statements.d.ts
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
export declare class Statements {
    #private;
    constructor(database: DatabaseSync);
    row(sql: string, ...values: SQLInputValue[]): unknown;
    rowOf(sql: string, values: Record<string, SQLInputValue>): unknown;
    rows(sql: string, ...values: SQLInputValue[]): unknown[];
}

// dist/store/store.d.ts
import { Actor, type ReplyPort } from '@tasktree/actor';
import type { AttemptRecord, Job, JobFilter, JobRequest, JobState } from '../jobs/job.ts';
import type { StoredResult } from '../jobs/stored-value.ts';
import type { JobFeed } from './job-feed.ts';
import type { JobFile } from './job-file.ts';
import { type Output } from './job-outputs.ts';
import { type JobTable, type TableQuery } from './job-pages.ts';
import { type Added } from './job-records.ts';
import type { Revival, StoredQueuedJob } from './job-rows.ts';
import { type Retention } from './retention.ts';
import { type Schedule, type ScheduleRequest } from './schedule-rows.ts';
export interface Begin {
    at: number;
    kind: string;
    group: string | null;
}
export declare class Store extends Actor {
    #private;
    constructor(file: JobFile, feed: JobFeed, retention?: Retention);
    protected onStart(): void;
    protected onStop(): void;
    add(request: JobRequest): ReplyPort<Added>;
    keyHolder(key: string): ReplyPort<number | null>;
    begin(id: number, isRated?: boolean): ReplyPort<Job>;
    begins(): ReplyPort<Begin[]>;
    forgetBegins(before: number): ReplyPort<void>;
    steps(id: number): ReplyPort<[name: string, text: string][]>;
    saveStep(id: number, name: string, text: string): ReplyPort<void>;
    schedules(): ReplyPort<Schedule[]>;
    putSchedule(schedule: ScheduleRequest, nextAt: number | null): ReplyPort<void>;
    removeSchedule(name: string): ReplyPort<boolean>;
    fire({ name, spec, request }: Schedule, due: readonly number[], nextAt: number | null): ReplyPort<Job[]>;
    end(id: number, state: JobState, result?: StoredResult): ReplyPort<Job>;
    fail(id: number, error: string, delay: number): ReplyPort<Job>;
    requeue(id: number): ReplyPort<Job>;
    revive(id: number, states: readonly JobState[]): ReplyPort<Revival>;
    requeueRunning(): ReplyPort<void>;
    queued(after: number, limit: number): ReplyPort<StoredQueuedJob[]>;
    shiftTimes(ms: number): ReplyPort<void>;
    setting(name: string): ReplyPort<string | null>;
    set(name: string, value: string): ReplyPort<void>;
    delete(ids: readonly number[]): ReplyPort<number[]>;
    append(id: number, attempt: number, text: string): void;
    output(id: number, attempt?: number | null): ReplyPort<Output | null>;
    attempts(id: number): ReplyPort<AttemptRecord[] | null>;
    get(id: number): ReplyPort<Job | null>;
    list(filter: JobFilter, limit: number): ReplyPort<Job[]>;
    table(query: TableQuery): ReplyPort<JobTable>;
    matching(filter: JobFilter, states: readonly JobState[], after: number, limit: number): ReplyPort<number[]>;
    counts(): ReplyPort<Record<JobState, number>>;
}

// dist/tree/check-options.d.ts
import type { JobdOptions } from './jobd.ts';
export declare function checkJobdOptions(options: JobdOptions): void;

// dist/tree/dashboard-sources.d.ts
import type { LiveSources } from '../dashboard/live-view.ts';
import type { History } from '../scheduling/history.ts';
import type { PrometheusMetrics } from '../scheduling/prometheus.ts';
import { type Directory } from '../server/commands.ts';
import type { JobFeed } from '../store/job-feed.ts';
export declare function dashboardSources(directory: Directory, feed: JobFeed, history: History, prometheus: PrometheusMetrics): LiveSources;

// dist/tree/jobd.d.ts
import { ActorSystem, type Logger } from '@tasktree/actor';
import { type AccessOptions } from '../dashboard/access.ts';
import { type KindSource, type Reloaded } from '../jobs/kind-table.ts';
import type { LimitChange } from '../jobs/kind-limits.ts';
import { type Token } from '../server/credentials.ts';
import { type ListenerOptions } from '../server/listener.ts';
import { type JobFileOptions } from '../store/job-file.ts';
import type { Retention } from '../store/retention.ts';
export interface JobdOptions extends Pick<JobFileOptions, 'waitLock' | 'maxDeaths' | 'vacuum'>, Pick<AccessOptions, 'publicUrl' | 'trustProxy'> {
    file: string;
    host?: string;
    port?: number;
    http?: number;
    workers?: number;
    password?: string;
    tokens?: readonly Token[];
    grace?: number;
    maxQueued?: number;
    retention?: Retention;
    kinds?: KindSource;
    builtInKinds?: boolean;
    limits?: Readonly<Record<string, LimitChange>>;
    maxFileSize?: number;
    clients?: Omit<ListenerOptions, 'host' | 'port'>;
    logger?: Logger;
}
export interface Jobd extends AsyncDisposable {
    reload(): Promise<Reloaded>;
    readonly system: ActorSystem;
    readonly port: number;
    readonly httpPort: number;
}
export declare function startJobd(options: JobdOptions): Promise<Jobd>;

// dist/tree/restarts.d.ts
import type { SupervisorOptions } from '@tasktree/actor';
export declare const restarts: Pick<SupervisorOptions, 'maxRestarts' | 'within' | 'backoff'>;

// dist/tree/server-end.d.ts
export declare class ServerEnd {
    #private;
    constructor(drain: () => Promise<void>, end: () => Promise<void>);
    complete(): Promise<void>;
}

// dist/version.d.ts
export declare function packageVersion(): string;
