// dist/find-worker-entry.d.ts
export declare function resolveWorkerEntry(option: unknown): () => URL;

// dist/index.d.ts
export { BrokenExecutor, ExecutorQueueFull, JobSerializationError, WorkerCrashedError, } from './jobs/errors.ts';
export type { Executor, ExecutorStats, MapOptions } from './pool/executor.ts';
export type { JobEvent } from './pool/tracing.ts';
export { type GeneratorJob, type Job, JobRef, type JobRefs, jobs, type JobsOptions, } from './jobs/job.ts';
export { JobFuture } from './jobs/job-future.ts';
export type { PoolOptions } from './pool/options.ts';
export { ProcessPoolExecutor, type ProcessPoolOptions } from './pool/process-pool.ts';
export { runInExecutor, toThread } from './pool/run-in-executor.ts';
export { ThreadPoolExecutor } from './pool/thread-pool.ts';
export { traceparent } from './jobs/traceparent.ts';
export { transfer } from './jobs/transfer.ts';
export { reportProgress, workerId, workerSignal } from './worker/context.ts';

// dist/jobs/carriable.d.ts
import type { Transferable } from 'node:worker_threads';
export type Medium = 'thread' | 'process';
export declare function assertCarriable(value: unknown, medium: Medium, moved?: readonly Transferable[]): void;

// dist/jobs/cloneable.d.ts
import type { Transferable } from 'node:worker_threads';
export declare function assertCloneable(value: unknown, moved?: readonly Transferable[]): void;

// dist/jobs/containers.d.ts
export declare function isDenseArray(value: unknown): value is readonly unknown[];
export declare function entriesOf(value: unknown): Iterable<[key: unknown, item: unknown]> | null;
export declare function itemsOf(value: unknown): Iterable<unknown> | null;

// dist/jobs/encode-error.d.ts
type EncodedValue = {
    readonly value: unknown;
} | {
    readonly error: number;
};
interface ErrorRecord {
    readonly type: string;
    readonly name: string;
    readonly message: string;
    readonly stack: string;
    readonly cause?: EncodedValue;
    readonly errors?: readonly EncodedValue[];
    readonly properties: readonly (readonly [string, EncodedValue])[];
}
export interface EncodedError {
    readonly thrown: EncodedValue;
    readonly records: readonly ErrorRecord[];
}
type Send = (value: unknown) => void;
export declare function encodeError(thrown: unknown, send: Send): EncodedError;
export declare function encodeSummary(thrown: unknown): EncodedError;
interface ErrorType {
    readonly prototype: object;
}
export declare function carryErrorType(name: string, type: ErrorType, code: string): void;
export declare function decodeError({ thrown, records }: EncodedError, submittedAt: string): unknown;
export {};

// dist/jobs/errors.d.ts
export declare class BrokenExecutor extends Error {
    readonly name: string;
    readonly code: string;
}
export declare class WorkerCrashedError extends Error {
    readonly name: string;
    readonly code: string;
    readonly exitCode: number | null;
    readonly signal: NodeJS.Signals | null;
    constructor(exitCode: number | null, signal: NodeJS.Signals | null, options?: ErrorOptions & {
        during?: 'ran' | 'received';
    });
}
export declare class JobSerializationError extends Error {
    readonly name: string;
    readonly code: string;
}
export declare class ExecutorQueueFull extends Error {
    readonly name: string;
    readonly code: string;
    constructor(maxQueue: number);
}

// dist/jobs/explain-uncloneable.d.ts
export declare function explainUncloneable(root: unknown, name: string, send: (value: unknown) => void, thrown: unknown): string;
export declare function show(value: unknown): string;
export declare function sayWhy(thrown: unknown): string;

// dist/jobs/job-future.d.ts
import { type CancelledError } from '@tasktree/core';
import { ObservedFuture, type WaitDetails } from '@tasktree/core/lowlevel';
export interface JobControl {
    abandon(): void;
    details(): WaitDetails;
    grant(count: number): void;
}
export declare class JobFuture<R, Y = never> extends ObservedFuture<R> {
    #private;
    constructor(control: JobControl);
    cancel(msg?: string | CancelledError): boolean;
    onProgress(callback: (value: unknown) => void): this;
    protected observed(): void;
    then<T = R, E = never>(onFulfilled?: ((value: R) => T | PromiseLike<T>) | null, onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<T | E>;
    [Symbol.asyncIterator](): AsyncIterator<Y, void>;
    deliver(value: Y): void;
    progressed(value: unknown): void;
}

// dist/jobs/job-kind.d.ts
import type { JobTarget } from '../transport/protocol.ts';
import { SubmitStacks } from './submit-stack.ts';
export declare const maxKinds = 500;
export declare class JobKind {
    #private;
    readonly id: number;
    readonly target: JobTarget;
    readonly problem: string | null;
    readonly stacks: SubmitStacks;
    constructor(id: number, target: JobTarget);
    get name(): string;
    get isShort(): boolean;
    note(ms: number): void;
}
export declare class JobKinds {
    #private;
    find(job: unknown): JobKind;
}

// dist/jobs/job-target.d.ts
import type { JobTarget, SourceTarget } from '../transport/protocol.ts';
export declare function readTarget(job: unknown): JobTarget;
export declare function isSource(target: JobTarget): target is SourceTarget;
export declare function whyUnsendable(target: JobTarget): string | null;
export declare function nameOf(target: JobTarget): string;

// dist/jobs/job.d.ts
export declare class JobRef<A extends unknown[], R> {
    readonly url: string | null;
    readonly name: string;
    readonly module: string;
    readonly signature?: (...args: A) => R;
    constructor(url: string | null, name: string, module: string);
    get id(): string;
}
export type Job<A extends unknown[], R> = ((...args: A) => R | PromiseLike<R>) | JobRef<A, R>;
export type GeneratorJob<A extends unknown[], Y, R> = ((...args: A) => Generator<Y, R> | AsyncGenerator<Y, R>) | JobRef<A, Generator<Y, R> | AsyncGenerator<Y, R>>;
export type JobRefs<M> = {
    readonly [K in keyof M as M[K] extends (...args: any[]) => unknown ? K : never]: M[K] extends (...args: infer A) => infer R ? JobRef<A, Awaited<R>> : never;
};
export interface JobsOptions {
    id?: string | undefined;
    version?: string | undefined;
}
export declare function jobs<M>(url: URL | string, options?: JobsOptions): JobRefs<M>;
export declare function referTo<M>(href: string | null, module: string): JobRefs<M>;
export declare function moduleName(id: string, version?: string): string;

// dist/jobs/map-jobs.d.ts
import { Future } from '@tasktree/core';
import type { MapOptions } from '../pool/executor.ts';
import { type SubmitStack } from './submit-stack.ts';
export interface MappedJob {
    readonly future: Future<unknown>;
    readonly isStarted: boolean;
    readonly submitted: SubmitStack;
    readonly parts?: readonly unknown[];
}
type Submit = (args: readonly unknown[], chunked: boolean) => MappedJob;
type WhenRoom = () => Future<void> | null;
export declare function mapJobs<T, R>(submit: Submit, items: Iterable<T> | AsyncIterable<T>, options: MapOptions, defaultBuffer: number, whenRoom?: WhenRoom): AsyncIterable<R>;
export {};

// dist/jobs/pending-job.d.ts
import type { WaitDetails } from '@tasktree/core/lowlevel';
import type { Transferable } from 'node:worker_threads';
import type { Linked, LinkedList } from '@tasktree/core/lowlevel';
import type { JobTrace } from '../pool/tracing.ts';
import type { CallMode, Carrier } from '../transport/protocol.ts';
import type { WorkerHandle } from '../transport/worker-handle.ts';
import { type JobControl, JobFuture } from './job-future.ts';
import type { JobKind } from './job-kind.ts';
import type { SubmitStack } from './submit-stack.ts';
export interface JobOwner {
    abandonJob(job: PendingJob): void;
}
export declare class PendingJob implements JobControl, Linked<PendingJob> {
    #private;
    readonly future: JobFuture<unknown, unknown>;
    readonly kind: JobKind;
    readonly args: readonly unknown[];
    readonly chunked: boolean;
    readonly transferList: readonly Transferable[];
    trace: JobTrace | null;
    carrier: Carrier | null;
    submitted: SubmitStack;
    worker: WorkerHandle | null;
    seq: number;
    message: number;
    list: LinkedList<PendingJob> | null;
    nextInList: PendingJob | null;
    previousInList: PendingJob | null;
    isStarted: boolean;
    parts: readonly unknown[];
    deaths: number;
    isSuspect: boolean;
    constructor(owner: JobOwner, kind: JobKind, args: readonly unknown[], chunked: boolean);
    sent(): void;
    get mayFollow(): boolean;
    get mode(): CallMode;
    addPart(results: readonly unknown[]): void;
    details(): WaitDetails;
    abandon(): void;
    grant(count: number): void;
}

// dist/jobs/scan-source.d.ts
export interface Call {
    readonly name: string;
    readonly argument: string;
}
export declare function findCalls(source: string): Generator<Call>;
export declare function findRelativeImport(source: string): string | null;
export declare function findNamingHelpers(source: string): string[];

// dist/jobs/submit-stack.d.ts
export interface SubmitStack {
    readonly stack?: string;
}
export declare function captureStack(caller: (...args: never[]) => unknown): SubmitStack;
export declare class SubmitStacks {
    #private;
    capture(caller: (...args: never[]) => unknown): SubmitStack;
    noteSuccess(submitted: SubmitStack): void;
    noteFailure(): void;
}
export declare function stackText(submitted: SubmitStack): string;

// dist/jobs/traceparent.d.ts
import { ContextVar } from '@tasktree/core';
import type { Carrier } from '../transport/protocol.ts';
export declare const traceparent: ContextVar<string | null>;
export declare function carriedTrace(): Carrier | null;
export declare function enterTrace(carrier: Carrier | null): void;

// dist/jobs/transfer.d.ts
import type { Transferable } from 'node:worker_threads';
export declare function transfer<T>(value: T, list: readonly Transferable[]): T;
export declare function transferListOf(values: readonly unknown[]): readonly Transferable[];
export declare function unmark(values: readonly unknown[]): void;

// dist/lowlevel.d.ts
export { currentJob, type RunningJob } from './worker/context.ts';
export { carryErrorType, decodeError, encodeError, type EncodedError, encodeSummary, } from './jobs/encode-error.ts';
export type { JobControl } from './jobs/job-future.ts';
export { moduleName, referTo } from './jobs/job.ts';
export { type MappedJob, mapJobs } from './jobs/map-jobs.ts';
export { captureStack, stackText, type SubmitStack, SubmitStacks } from './jobs/submit-stack.ts';
export { decodeValue, encodeValue } from './transport/codec.ts';
export type { ChunkOutcome } from './transport/protocol.ts';
export { noteFailure } from './pool/forgotten-jobs.ts';

// dist/pool/dispatch.d.ts
import { Future } from '@tasktree/core';
import type { PendingJob } from '../jobs/pending-job.ts';
import type { WorkerHandle } from '../transport/worker-handle.ts';
import type { CheckedPoolOptions } from './options.ts';
import type { Outcomes } from './outcomes.ts';
import type { WorkerSet } from './worker-set.ts';
export interface Workforce {
    readonly starting: number;
    readonly isBroken: boolean;
    start(): void;
    onUnused(worker: WorkerHandle): void;
}
export declare class Dispatch {
    #private;
    isAwaited: boolean;
    constructor(options: CheckedPoolOptions, workers: WorkerSet, outcomes: Outcomes, workforce: Workforce);
    get waiting(): number;
    hasRoom(): boolean;
    whenRoom(): Future<void>;
    add(job: PendingJob): void;
    putBack(jobs: readonly PendingJob[]): void;
    remove(job: PendingJob): boolean;
    takeAll(): PendingJob[];
    schedulePump(): void;
    pump(): void;
    onFree(worker: WorkerHandle): void;
    recallOthers(worker: WorkerHandle | null): void;
    updateHold(): void;
}

// dist/pool/executor.d.ts
import type { GeneratorJob, Job } from '../jobs/job.ts';
import type { JobFuture } from '../jobs/job-future.ts';
export interface ExecutorStats {
    readonly workers: number;
    readonly idle: number;
    readonly queued: number;
    readonly running: number;
    readonly completed: number;
    readonly failed: number;
    readonly crashed: number;
}
export interface MapOptions {
    ordered?: boolean;
    buffer?: number;
    chunksize?: number;
    timeout?: number;
}
export interface Executor extends AsyncDisposable {
    submit<A extends unknown[], Y, R>(job: GeneratorJob<A, Y, R>, ...args: A): JobFuture<R, Y>;
    submit<A extends unknown[], R>(job: Job<A, R>, ...args: A): JobFuture<R>;
    map<T, R>(job: Job<[T], R>, items: Iterable<T> | AsyncIterable<T>, options?: MapOptions): AsyncIterable<R>;
    shutdown(options?: {
        wait?: boolean;
        cancelFutures?: boolean;
    }): Promise<void>;
    readonly stats: ExecutorStats;
}

// dist/pool/forgotten-jobs.d.ts
import type { Future } from '@tasktree/core';
export declare function noteFailure(future: Future<unknown>): void;

// dist/pool/live-pools.d.ts
export interface LivePool {
    endIdleWorkers(): void;
}
export declare function addLivePool(pool: LivePool): void;
export declare function removeLivePool(pool: LivePool): void;

// dist/pool/options.d.ts
import type { ResourceLimits } from 'node:worker_threads';
import type { Job } from '../jobs/job.ts';
export interface PoolOptions {
    maxWorkers?: number;
    minWorkers?: number;
    idleTimeout?: number;
    maxQueue?: number;
    maxTasksPerWorker?: number;
    cancelGrace?: number;
    exitGrace?: number;
    initializer?: Job<any[], unknown>;
    initargs?: readonly unknown[];
    name?: string;
    resourceLimits?: ResourceLimits;
    env?: NodeJS.ProcessEnv;
    workerEntry?: URL | string;
}
export interface CheckedPoolOptions {
    readonly maxWorkers: number;
    readonly minWorkers: number;
    readonly idleTimeout: number;
    readonly maxQueue: number;
    readonly maxTasksPerWorker: number;
    readonly cancelGrace: number;
    readonly exitGrace: number;
}
export declare function checkPoolOptions(options: PoolOptions): CheckedPoolOptions;
export declare function copyWorkerOptions({ resourceLimits, env, }: PoolOptions): Pick<PoolOptions, 'resourceLimits' | 'env'>;

// dist/pool/outcomes.d.ts
import type { PendingJob } from '../jobs/pending-job.ts';
import type { WorkerHandle } from '../transport/worker-handle.ts';
import type { Executor } from './executor.ts';
export declare class Outcomes {
    #private;
    completed: number;
    failed: number;
    constructor(executor: Executor);
    get ended(): number;
    submitted(job: PendingJob): void;
    started({ future }: PendingJob, worker: WorkerHandle): void;
    complete(job: PendingJob, value: unknown, worker: WorkerHandle): void;
    fail(job: PendingJob, error: unknown, worker?: WorkerHandle | null): void;
    cancelled(job: PendingJob): void;
}

// dist/pool/pool.d.ts
import type { GeneratorJob, Job } from '../jobs/job.ts';
import type { JobFuture } from '../jobs/job-future.ts';
import { type JobOwner, PendingJob } from '../jobs/pending-job.ts';
import type { StartWorker } from '../transport/worker-link.ts';
import type { Executor, ExecutorStats, MapOptions } from './executor.ts';
import { type PoolOptions } from './options.ts';
export interface PoolSnapshot extends ExecutorStats {
    readonly name: string;
    readonly kind: string;
    readonly jobs: readonly {
        readonly worker: number;
        readonly job: string;
    }[];
}
export declare abstract class WorkerPool implements Executor, JobOwner {
    #private;
    constructor(startWorker: StartWorker, options: PoolOptions);
    submit<A extends unknown[], Y, R>(job: GeneratorJob<A, Y, R>, ...args: A): JobFuture<R, Y>;
    submit<A extends unknown[], R>(job: Job<A, R>, ...args: A): JobFuture<R>;
    map<T, R>(job: Job<[T], R>, items: Iterable<T> | AsyncIterable<T>, options?: MapOptions): AsyncIterable<R>;
    get stats(): ExecutorStats;
    shutdown(options?: {
        wait?: boolean;
        cancelFutures?: boolean;
    }): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
    abandonJob(job: PendingJob): void;
}

// dist/pool/process-pool.d.ts
import { type PoolOptions } from './options.ts';
import { WorkerPool } from './pool.ts';
export interface ProcessPoolOptions extends PoolOptions {
    execArgv?: readonly string[];
}
export declare class ProcessPoolExecutor extends WorkerPool {
    constructor(options?: ProcessPoolOptions);
}

// dist/pool/run-in-executor.d.ts
import type { Executor } from './executor.ts';
import type { GeneratorJob, Job } from '../jobs/job.ts';
import type { JobFuture } from '../jobs/job-future.ts';
export declare function runInExecutor<A extends unknown[], Y, R>(executor: Executor | null, job: GeneratorJob<A, Y, R>, ...args: A): JobFuture<R, Y>;
export declare function runInExecutor<A extends unknown[], R>(executor: Executor | null, job: Job<A, R>, ...args: A): JobFuture<R>;
export declare function toThread<A extends unknown[], Y, R>(job: GeneratorJob<A, Y, R>, ...args: A): JobFuture<R, Y>;
export declare function toThread<A extends unknown[], R>(job: Job<A, R>, ...args: A): JobFuture<R>;

// dist/pool/thread-pool.d.ts
import { type PoolOptions } from './options.ts';
import { WorkerPool } from './pool.ts';
export declare class ThreadPoolExecutor extends WorkerPool {
    constructor(options?: PoolOptions);
}

// dist/pool/tracing.d.ts
import { type Channel } from 'node:diagnostics_channel';
import { Tracing } from '@tasktree/core/lowlevel';
import type { Executor } from './executor.ts';
import type { JobFuture } from '../jobs/job-future.ts';
import type { Carrier } from '../transport/protocol.ts';
export interface JobEvent {
    readonly executor: Executor;
    readonly future: JobFuture<unknown, unknown>;
    readonly worker: number | null;
}
export declare const jobSubmit: Channel;
export declare const jobStart: Channel;
export declare const jobEnd: Channel;
export interface JobTrace {
    readonly executor: Executor;
    readonly future: JobFuture<unknown, unknown>;
    readonly job: string;
    worker: number | null;
    carrier?: Carrier;
}
export declare const jobTracing: Tracing<JobTrace>;

// dist/pool/worker-set.d.ts
import type { WorkerHandle } from '../transport/worker-handle.ts';
export declare class WorkerSet implements Iterable<WorkerHandle> {
    #private;
    get size(): number;
    [Symbol.iterator](): Iterator<WorkerHandle>;
    add(worker: WorkerHandle): void;
    delete(worker: WorkerHandle): void;
    noteFree(worker: WorkerHandle): void;
    findIdle(): WorkerHandle | null;
    findSpare(depth: (worker: WorkerHandle) => number): WorkerHandle | null;
}

// dist/pool/workforce.d.ts
import { type EncodedError } from '../jobs/encode-error.ts';
import { BrokenExecutor } from '../jobs/errors.ts';
import type { PendingJob } from '../jobs/pending-job.ts';
import type { JobTarget } from '../transport/protocol.ts';
import { WorkerHandle } from '../transport/worker-handle.ts';
import type { LeftJobs, WorkerOwner } from '../transport/worker-owner.ts';
import type { StartWorker, WorkerExit } from '../transport/worker-link.ts';
import { Dispatch, type Workforce as DispatchWorkforce } from './dispatch.ts';
import { type LivePool } from './live-pools.ts';
import type { CheckedPoolOptions } from './options.ts';
import type { Outcomes } from './outcomes.ts';
import { WorkerSet } from './worker-set.ts';
export interface Initializer {
    readonly target: JobTarget | null;
    readonly args: readonly unknown[];
}
export declare class Workforce implements DispatchWorkforce, WorkerOwner, LivePool {
    #private;
    readonly workers: WorkerSet;
    readonly dispatch: Dispatch;
    starting: number;
    crashed: number;
    broken: BrokenExecutor | null;
    isShutDown: boolean;
    cancelMessage: string | null;
    constructor(startWorker: StartWorker, options: CheckedPoolOptions, initializer: Initializer, outcomes: Outcomes, onEmpty: () => void);
    get isBroken(): boolean;
    start(): void;
    endIdleWorkers(): void;
    onReady(worker: WorkerHandle): void;
    onStartFailed(_worker: WorkerHandle, error: EncodedError): void;
    onInitUnreadable(_worker: WorkerHandle, why: string): void;
    onStarted(worker: WorkerHandle, job: PendingJob): void;
    onResult(worker: WorkerHandle, job: PendingJob, value: unknown): void;
    onError(worker: WorkerHandle, job: PendingJob, error: EncodedError): void;
    onUnreadable(worker: WorkerHandle, job: PendingJob, why: unknown): void;
    onUnreceived(_worker: WorkerHandle, job: PendingJob, why: string): void;
    onEnded(worker: WorkerHandle): void;
    onReturned(worker: WorkerHandle, jobs: PendingJob[]): void;
    onUnused(worker: WorkerHandle): void;
    onExit(worker: WorkerHandle, exit: WorkerExit, left: LeftJobs): void;
}
export declare function copyError({ message, cause }: BrokenExecutor): BrokenExecutor;

// dist/transport/cancel-grace.d.ts
import type { PendingJob } from '../jobs/pending-job.ts';
export declare class CancelGrace {
    #private;
    constructor(ms: number, killIfRunning: (job: PendingJob) => void);
    get job(): PendingJob | null;
    begin(job: PendingJob): void;
    end(): void;
}

// dist/transport/claims.d.ts
export declare const claimSlots = 3;
export declare class JobClaims {
    #private;
    constructor(memory: Int32Array);
    claim(seq: number): boolean;
    recall(lastSent: number): number;
    lastStarted(): number;
    noteEnded(seq: number): void;
    lastEnded(): number;
    cancel(seq: number): void;
    isCancelled(seq: number): boolean;
}

// dist/transport/codec.d.ts
export declare function encodeValue(value: unknown): Buffer;
export declare function decodeValue(bytes: Buffer): unknown;

// dist/transport/doorbell.d.ts
export declare function makeWorkerMemory(): Int32Array;
export declare class Doorbell {
    #private;
    constructor(memory: Int32Array);
    ring(): boolean;
    wake(): void;
    sleep(): void;
    listen(): void;
    wait(ms: number): boolean;
}

// dist/transport/frames.d.ts
export declare const inputPipe = 3;
export declare const outputPipe = 4;
export declare const lifePipe = 5;
declare const kinds: readonly ['other', 'jobs', 'end'];
export interface FrameHeader {
    readonly kind: (typeof kinds)[number];
    readonly next: number;
}
export declare function encodeFrame(message: unknown, kind: FrameHeader['kind'], next?: number): Buffer;
export declare class FrameReader {
    #private;
    constructor(deliver: (body: Buffer, header: FrameHeader) => void, onBroken: () => void);
    readonly feed: (chunk: Buffer) => void;
}
export {};

// dist/transport/other-runtime.d.ts
export declare const otherRuntime: string | undefined;

// dist/transport/own-flags.d.ts
export declare function processFlags(): string[];
export declare function threadFlags(): {
    execArgv?: string[];
};
export declare function watchFlags(): string[];

// dist/transport/process-link.d.ts
import type { ResourceLimits } from 'node:worker_threads';
import { type ControlMessage, type JobsMessage } from './protocol.ts';
import { type WorkerLink, type WorkerListener } from './worker-link.ts';
export interface ProcessOptions {
    readonly entry: URL;
    readonly resourceLimits: ResourceLimits | undefined;
    readonly env: NodeJS.ProcessEnv | undefined;
    readonly execArgv: readonly string[];
}
export declare class ProcessLink implements WorkerLink {
    #private;
    constructor(id: number, listener: WorkerListener, options: ProcessOptions);
    sendJobs(message: JobsMessage): void;
    sendControl(message: ControlMessage): void;
    tryClone(value: unknown): void;
    hold(on: boolean): void;
    kill(): void;
    recall(lastSent: number): null;
    markCancelled(seq: number): void;
    lastStarted(): null;
}

// dist/transport/protocol.d.ts
import type { MessagePort } from 'node:worker_threads';
import type { EncodedError } from '../jobs/encode-error.ts';
export interface ModuleTarget {
    readonly url: string;
    readonly name: string;
}
export interface SourceTarget {
    readonly source: string;
}
export type JobTarget = SourceTarget | ModuleTarget;
export type Carrier = Readonly<Record<string, string>>;
export type CallMode = boolean | {
    readonly chunked: boolean;
    readonly carrier: Carrier;
};
export type JobMessage = readonly [
    seq: number,
    kind: number,
    args: readonly unknown[],
    target: JobTarget | null,
    mode: CallMode
];
export type SingleJobMessage = readonly [
    seq: number,
    kind: number,
    target: JobTarget | null,
    mode: CallMode,
    ...args: readonly unknown[]
];
export declare function isSingle(message: readonly JobMessage[] | SingleJobMessage): message is SingleJobMessage;
export type JobsMessage = readonly JobMessage[] | SingleJobMessage | {
    type: 'init';
    target: JobTarget | null;
    args: readonly unknown[];
}
 | {
    type: 'forget';
};
export type ControlMessage = 
{
    type: 'cancel';
    seq: number;
}
 | {
    type: 'credit';
    seq: number;
    count: number;
}
 | {
    type: 'look';
}
 | {
    type: 'stop';
};
export type ResultMessage = readonly [seq: number, ms: number, next: number, value: unknown];
export interface ChunkOutcome {
    readonly results: readonly unknown[];
    readonly error: EncodedError | null;
}
export type FromWorker = {
    type: 'ready';
} | {
    type: 'failed';
    error: EncodedError;
}
 | {
    type: 'start';
    seq: number;
} | ResultMessage | {
    type: 'error';
    seq: number;
    ms: number;
    next: number;
    error: EncodedError;
}
 | {
    type: 'recalled';
    upTo: number;
    started: number;
} | {
    type: 'yield';
    seq: number;
    value: unknown;
}
 | {
    type: 'part';
    seq: number;
    results: readonly unknown[];
}
 | {
    type: 'deep';
    seq: number;
} | {
    type: 'progress';
    seq: number;
    value: unknown;
}
 | {
    type: 'unreadable';
    message: number;
    why: string;
};
export declare function isTuple<M extends object>(message: M): message is Extract<M, readonly unknown[]>;
export declare const streamWindow = 16;
export interface ThreadIdentity {
    readonly id: number;
    readonly memory: Int32Array;
    readonly control: MessagePort;
    readonly jobs: MessagePort;
}
export interface WatchIdentity {
    readonly watched: Int32Array;
}
export declare const identityKey = "@tasktree/executor.worker";

// dist/transport/sent-jobs.d.ts
import type { PendingJob } from '../jobs/pending-job.ts';
import type { JobsMessage } from './protocol.ts';
import type { WorkerHandle } from './worker-handle.ts';
export declare class SentJobs {
    #private;
    get size(): number;
    get taken(): number;
    get lastSeq(): number;
    get first(): PendingJob | null;
    list(): readonly PendingJob[];
    find(seq: number): PendingJob | null;
    get hasTooManyKinds(): boolean;
    forgetKinds(): void;
    wrap(jobs: readonly PendingJob[]): JobsMessage;
    add(jobs: readonly PendingJob[], worker: WorkerHandle, message: number): void;
    takeEnded(seq: number): PendingJob | null;
    takeBack(isMeant: (job: PendingJob) => boolean): PendingJob[];
}

// dist/transport/thread-link.d.ts
import { type ResourceLimits, type Transferable } from 'node:worker_threads';
import { type ControlMessage, type JobsMessage } from './protocol.ts';
import { type WorkerLink, type WorkerListener } from './worker-link.ts';
export interface ThreadOptions {
    readonly entry: URL;
    readonly name: string;
    readonly resourceLimits: ResourceLimits | undefined;
    readonly env: NodeJS.ProcessEnv | undefined;
}
export declare class ThreadLink implements WorkerLink {
    #private;
    constructor(id: number, listener: WorkerListener, options: ThreadOptions);
    sendJobs(message: JobsMessage, transferList: readonly Transferable[]): void;
    sendControl(message: ControlMessage): void;
    tryClone(value: unknown, transferList: readonly Transferable[]): void;
    hold(on: boolean): void;
    kill(): void;
    recall(lastSent: number): number;
    markCancelled(seq: number): void;
    lastStarted(): number;
}

// dist/transport/watch-words.d.ts
export declare function encodeWords(...words: readonly number[]): Buffer;
export declare function readWords(count: number, deliver: (first: number, second: number) => void): (chunk: Buffer) => void;

// dist/transport/worker-handle.d.ts
import type { PendingJob } from '../jobs/pending-job.ts';
import { type JobTarget } from './protocol.ts';
import type { StartWorker } from './worker-link.ts';
import type { WorkerOwner } from './worker-owner.ts';
export type WorkerState = 'starting' | 'ready' | 'ending' | 'ended';
export declare class WorkerHandle {
    #private;
    readonly id: number;
    state: WorkerState;
    stopIdling: (() => void) | null;
    endedBefore: number;
    isKilled: boolean;
    isReady: boolean;
    constructor(id: number, start: StartWorker, owner: WorkerOwner, cancelGrace: number);
    get load(): number;
    get taken(): number;
    get isShort(): boolean;
    get isStopping(): boolean;
    get isOpen(): boolean;
    get isIdle(): boolean;
    isOvertaken(ended: number): boolean;
    listUnstarted(): PendingJob[];
    get first(): PendingJob | null;
    get isRunning(): boolean;
    initialize(target: JobTarget | null, args: readonly unknown[]): void;
    send(jobs: readonly PendingJob[]): void;
    tryClone(value: unknown, transferList?: PendingJob['transferList']): void;
    get isHeld(): boolean;
    hold(on: boolean): void;
    grant(job: PendingJob, count: number): void;
    recall(least?: number): void;
    cancel(job: PendingJob): void;
    end(grace: number): void;
    kill(): void;
}

// dist/transport/worker-link.d.ts
import type { Transferable } from 'node:worker_threads';
import { type Medium } from '../jobs/carriable.ts';
import { type ControlMessage, type FromWorker, type JobsMessage } from './protocol.ts';
export interface WorkerExit {
    readonly exitCode: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly error: unknown;
}
export interface WorkerListener {
    onMessage(message: FromWorker): void;
    onUnreadable(why: unknown, findNext: (seq: number) => number | null): void;
    onExit(exit: WorkerExit): void;
}
export interface WorkerLink {
    sendJobs(message: JobsMessage, transferList: readonly Transferable[]): void;
    sendControl(message: ControlMessage): void;
    tryClone(value: unknown, transferList: readonly Transferable[]): void;
    hold(on: boolean): void;
    kill(): void;
    recall(lastSent: number): number | null;
    markCancelled(seq: number): void;
    lastStarted(): number | null;
}
export type StartWorker = (id: number, listener: WorkerListener) => WorkerLink;
export declare function assertMessageCarriable(message: JobsMessage, medium: Medium, moved: readonly Transferable[]): void;

// dist/transport/worker-owner.d.ts
import type { EncodedError } from '../jobs/encode-error.ts';
import type { PendingJob } from '../jobs/pending-job.ts';
import type { WorkerHandle } from './worker-handle.ts';
import type { WorkerExit } from './worker-link.ts';
export interface WorkerOwner {
    onReady(worker: WorkerHandle): void;
    onStartFailed(worker: WorkerHandle, error: EncodedError): void;
    onInitUnreadable(worker: WorkerHandle, why: string): void;
    onStarted(worker: WorkerHandle, job: PendingJob): void;
    onResult(worker: WorkerHandle, job: PendingJob, value: unknown): void;
    onError(worker: WorkerHandle, job: PendingJob, error: EncodedError): void;
    onUnreadable(worker: WorkerHandle, job: PendingJob, why: unknown): void;
    onUnreceived(worker: WorkerHandle, job: PendingJob, why: string): void;
    onEnded(worker: WorkerHandle): void;
    onReturned(worker: WorkerHandle, jobs: PendingJob[]): void;
    onExit(worker: WorkerHandle, exit: WorkerExit, left: LeftJobs): void;
}
export interface LeftJobs {
    readonly running: PendingJob | null;
    readonly receiving: PendingJob[];
    readonly unstarted: PendingJob[];
}

// dist/worker-entry.d.ts
export {};

// dist/worker/chunk.d.ts
import { type EncodedError } from '../jobs/encode-error.ts';
import { JobSerializationError } from '../jobs/errors.ts';
import type { ChunkOutcome } from '../transport/protocol.ts';
import type { Execution } from './execution.ts';
import type { WorkerChannel } from './runtime.ts';
type Cloner = Pick<WorkerChannel, 'tryClone'>;
export declare function describeUnsent(value: unknown, name: string, { tryClone }: Cloner, cause: unknown): JobSerializationError;
export declare function isChunkOutcome(execution: Execution, value: unknown): value is ChunkOutcome;
export declare function trimChunk({ results }: ChunkOutcome, channel: Cloner): ChunkOutcome | null;
export declare function encodeFailure(thrown: unknown, { tryClone }: Cloner): EncodedError;
export declare function sendDeepResults({ seq }: Execution, outcome: ChunkOutcome, channel: WorkerChannel): ChunkOutcome;
export {};

// dist/worker/context.d.ts
import { AsyncLocalStorage } from 'node:async_hooks';
import { type ThreadIdentity, type WatchIdentity } from '../transport/protocol.ts';
export interface RunningJob {
    readonly signal: AbortSignal;
    reportProgress(value: unknown): void;
}
export declare const currentJob: AsyncLocalStorage<RunningJob>;
interface ProcessIdentity {
    readonly id: number;
}
export declare const identity: ThreadIdentity | WatchIdentity | ProcessIdentity | null;
export declare const workerId: number | null;
export declare function workerSignal(): AbortSignal;
export declare function reportProgress(value: unknown): void;
export {};

// dist/worker/execution.d.ts
import { type Carrier, type JobMessage } from '../transport/protocol.ts';
import { type RunningJob } from './context.ts';
import type { JobFunction } from './load-job.ts';
import type { WorkerChannel } from './runtime.ts';
export declare class Execution implements RunningJob {
    #private;
    readonly seq: number;
    readonly kind: number;
    readonly isChunked: boolean;
    readonly carrier: Carrier | null;
    failure: unknown;
    constructor(job: JobMessage, channel: WorkerChannel, explain: (error: unknown) => unknown);
    age(): number;
    call(fn: JobFunction): unknown;
    grant(count: number): void;
    reportProgress(value: unknown): void;
    abort(): void;
    isAborted(): boolean;
    get signal(): AbortSignal;
}

// dist/worker/lingerer.d.ts
interface Bell {
    wake(): void;
    sleep(): void;
    wait(ms: number): boolean;
}
export declare class Lingerer {
    #private;
    constructor(bell: Bell, look: () => boolean);
    start(): void;
}
export declare function afterTicks(callback: () => void): void;
export {};

// dist/worker/load-job.d.ts
import type { JobTarget } from '../transport/protocol.ts';
export type JobFunction = (...args: any[]) => unknown;
export declare class JobLoader {
    #private;
    learn(kind: number, target: JobTarget): void;
    nameOf(kind: number): string;
    load(kind: number): JobFunction | Promise<JobFunction>;
    explain(kind: number, thrown: unknown): unknown;
    forget(): void;
}

// dist/worker/missing-name.d.ts
import { JobSerializationError } from '../jobs/errors.ts';
export declare function findMissingName(thrown: unknown): string | null;
export declare function missingName(name: string, options?: ErrorOptions): JobSerializationError;

// dist/worker/process-channel.d.ts
export declare function connectProcess(entry: string): void;

// dist/worker/real-time.d.ts
export declare const now: () => number;
export declare const nextTick: (callback: () => void) => void;
export declare const setImmediate: typeof globalThis.setImmediate;

// dist/worker/run-tracing.d.ts
import { Tracing } from '@tasktree/core/lowlevel';
import type { Carrier } from '../transport/protocol.ts';
export interface RunTrace {
    readonly job: string;
    readonly worker: number | null;
    readonly carrier: Carrier | null;
}
export declare const runTracing: Tracing<RunTrace>;

// dist/worker/runtime.d.ts
import type { Transferable } from 'node:worker_threads';
import { type ControlMessage, type FromWorker, type JobsMessage } from '../transport/protocol.ts';
export interface WorkerChannel {
    post(message: FromWorker, transferList?: readonly Transferable[], next?: number): void;
    receive(): JobsMessage | undefined;
    claim(seq: number): boolean;
    noteEnded(seq: number): void;
    isCancelled(seq: number): boolean;
    readonly announces: boolean;
    exit(): void;
    readonly tryClone: (value: unknown, moved?: readonly Transferable[]) => void;
    rest(): void;
}
export declare class WorkerRuntime {
    #private;
    constructor(channel: WorkerChannel);
    look(): boolean;
    readonly control: (message: ControlMessage) => void;
}
export declare function valueIn(message: FromWorker): unknown;

// dist/worker/thread-channel.d.ts
import type { ThreadIdentity } from '../transport/protocol.ts';
export declare function connectThread({ memory, control, jobs }: ThreadIdentity): void;

// dist/worker/watch-thread.d.ts
export declare function watchProcess(memory: Int32Array): void;
