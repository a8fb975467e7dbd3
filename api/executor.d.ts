// dist/index.d.ts
export { BrokenExecutor, ExecutorQueueFull, JobSerializationError, WorkerCrashedError, } from './jobs/errors.ts';
export type { Executor, ExecutorStats, MapOptions } from './pool/executor.ts';
export type { JobEvent } from './pool/instrument.ts';
export { type GeneratorJob, type Job, JobRef, type JobRefs, jobs } from './jobs/job.ts';
export { JobFuture } from './jobs/job-future.ts';
export type { PoolOptions } from './pool/options.ts';
export { ProcessPoolExecutor, type ProcessPoolOptions } from './pool/process-pool.ts';
export { runInExecutor, toThread } from './pool/run-in-executor.ts';
export { ThreadPoolExecutor } from './pool/thread-pool.ts';
export { transfer } from './jobs/transfer.ts';
export { reportProgress, workerId, workerSignal } from './worker/context.ts';

// dist/jobs/clone-path.d.ts
export declare function findUncloneable(root: unknown, name: string, send?: (value: unknown) => void): string | null;

// dist/jobs/encode-error.d.ts
export type EncodedError = {
    kind: 'value';
    value: unknown;
} | {
    kind: 'seen';
    id: number;
} | {
    kind: 'error';
    id: number;
    classes: string[];
    name: string;
    message: string;
    stack: string;
    cause?: EncodedError;
    errors?: EncodedError[];
    properties: [string, EncodedError][];
};
export declare function encodeError(thrown: unknown, seen?: Map<object, number>): EncodedError;
export declare function decodeError(encoded: EncodedError, submittedAt: string, seen?: Map<number, unknown>): unknown;

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
    constructor(exitCode: number | null, signal: NodeJS.Signals | null, options?: ErrorOptions);
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

// dist/jobs/job-future.d.ts
import { type CancelledError, Future } from '@tasktree/core';
export interface JobControl {
    abandon(): void;
    grant(count: number): void;
}
export declare class JobFuture<R, Y = never> extends Future<R> {
    #private;
    constructor(control: JobControl);
    cancel(msg?: string | CancelledError): boolean;
    onProgress(callback: (value: unknown) => void): this;
    then<T = R, E = never>(onFulfilled?: ((value: R) => T | PromiseLike<T>) | null, onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<T | E>;
    [Symbol.asyncIterator](): AsyncIterator<Y, void>;
    deliver(value: Y): void;
    progressed(value: unknown): void;
}

// dist/jobs/job-kind.d.ts
import type { JobTarget } from '../transport/protocol.ts';
export declare const maxKinds = 500;
export declare class JobKind {
    #private;
    readonly id: number;
    readonly target: JobTarget;
    readonly hasSource: boolean;
    constructor(id: number, target: JobTarget);
    get isShort(): boolean;
    note(ms: number): void;
}
export declare class JobKinds {
    #private;
    find(job: unknown): JobKind;
}

// dist/jobs/job-target.d.ts
import type { JobTarget } from '../transport/protocol.ts';
export declare function readTarget(job: unknown): JobTarget;
export declare function hasSource(target: JobTarget): boolean;

// dist/jobs/job.d.ts
export declare class JobRef<A extends unknown[], R> {
    readonly url: string;
    readonly name: string;
    readonly signature?: (...args: A) => R;
    constructor(url: string, name: string);
}
export type Job<A extends unknown[], R> = ((...args: A) => R | PromiseLike<R>) | JobRef<A, R>;
export type GeneratorJob<A extends unknown[], Y, R> = ((...args: A) => Generator<Y, R> | AsyncGenerator<Y, R>) | JobRef<A, Generator<Y, R> | AsyncGenerator<Y, R>>;
export type JobRefs<M> = {
    readonly [K in keyof M as M[K] extends (...args: any[]) => unknown ? K : never]: M[K] extends (...args: infer A) => infer R ? JobRef<A, Awaited<R>> : never;
};
export declare function jobs<M>(url: URL | string): JobRefs<M>;

// dist/jobs/map-jobs.d.ts
import { type Future } from '@tasktree/core';
import type { MapOptions } from '../pool/executor.ts';
type Submit = (args: readonly unknown[], chunked: boolean) => Future<unknown>;
export declare function mapJobs<T, R>(submit: Submit, items: Iterable<T> | AsyncIterable<T>, options: MapOptions, defaultBuffer: number): AsyncIterable<R>;
export {};

// dist/jobs/pending-job.d.ts
import type { Transferable } from 'node:worker_threads';
import { JobFuture, type JobControl } from './job-future.ts';
import type { JobKind } from './job-kind.ts';
import type { SubmitStack } from './submit-stack.ts';
import type { WorkerHandle } from '../transport/worker-handle.ts';
export interface JobOwner {
    abandonJob(job: PendingJob): void;
}
export declare class PendingJob implements JobControl {
    #private;
    readonly future: JobFuture<unknown, unknown>;
    readonly kind: JobKind;
    readonly args: readonly unknown[];
    readonly chunked: boolean;
    readonly transferList: readonly Transferable[];
    submitted: SubmitStack;
    worker: WorkerHandle | null;
    seq: number;
    previous: PendingJob | null;
    next: PendingJob | null;
    isQueued: boolean;
    isStarted: boolean;
    constructor(owner: JobOwner, kind: JobKind, args: readonly unknown[], chunked: boolean);
    abandon(): void;
    grant(count: number): void;
}

// dist/jobs/submit-stack.d.ts
export interface SubmitStack {
    readonly stack?: string;
}
export declare function captureStack(caller: (...args: never[]) => unknown): SubmitStack;
export declare function stackText(submitted: SubmitStack): string;

// dist/jobs/transfer.d.ts
import type { Transferable } from 'node:worker_threads';
export declare function transfer<T>(value: T, list: readonly Transferable[]): T;
export declare function transferListOf(values: readonly unknown[]): readonly Transferable[];

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

// dist/pool/instrument.d.ts
import { type Channel } from 'node:diagnostics_channel';
import type { Executor } from './executor.ts';
import type { JobFuture } from '../jobs/job-future.ts';
export interface JobEvent {
    readonly executor: Executor;
    readonly future: JobFuture<unknown, unknown>;
    readonly worker: number | null;
}
export declare const jobSubmit: Channel;
export declare const jobStart: Channel;
export declare const jobEnd: Channel;

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
    initializer?: Job<any[], unknown>;
    initargs?: readonly unknown[];
    name?: string;
    resourceLimits?: ResourceLimits;
    env?: NodeJS.ProcessEnv;
}
export interface CheckedPoolOptions {
    readonly maxWorkers: number;
    readonly minWorkers: number;
    readonly idleTimeout: number;
    readonly maxQueue: number;
    readonly maxTasksPerWorker: number;
    readonly cancelGrace: number;
}
export declare function checkPoolOptions(options: PoolOptions): CheckedPoolOptions;
export declare function checkCount(name: string, value: unknown, least: number): number;
export declare function checkDuration(name: string, value: unknown): number;

// dist/pool/pool.d.ts
import { type EncodedError } from '../jobs/encode-error.ts';
import type { Executor, ExecutorStats, MapOptions } from './executor.ts';
import type { GeneratorJob, Job } from '../jobs/job.ts';
import type { JobFuture } from '../jobs/job-future.ts';
import { type JobOwner, PendingJob } from '../jobs/pending-job.ts';
import { type PoolOptions } from './options.ts';
import { type LeftJobs, WorkerHandle, type WorkerOwner } from '../transport/worker-handle.ts';
import type { WorkerExit, WorkerKind } from '../transport/worker-link.ts';
export declare abstract class WorkerPool implements Executor, JobOwner, WorkerOwner {
    #private;
    constructor(kind: WorkerKind, options: PoolOptions);
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
    onReady(worker: WorkerHandle): void;
    onStartFailed(_worker: WorkerHandle, error: EncodedError): void;
    onStarted(worker: WorkerHandle, job: PendingJob): void;
    onResult(worker: WorkerHandle, job: PendingJob, value: unknown): void;
    onError(worker: WorkerHandle, job: PendingJob, error: EncodedError): void;
    onEnded(worker: WorkerHandle): void;
    onReturned(worker: WorkerHandle, jobs: PendingJob[]): void;
    onExit(worker: WorkerHandle, exit: WorkerExit, left: LeftJobs): void;
}

// dist/pool/process-pool.d.ts
import type { PoolOptions } from './options.ts';
import { WorkerPool } from './pool.ts';
export interface ProcessPoolOptions extends PoolOptions {
    execArgv?: readonly string[];
}
export declare class ProcessPoolExecutor extends WorkerPool {
    constructor(options?: ProcessPoolOptions);
}

// dist/pool/queue.d.ts
import type { PendingJob } from '../jobs/pending-job.ts';
export declare class PoolQueue {
    #private;
    get size(): number;
    peek(): PendingJob | null;
    push(job: PendingJob): void;
    putBack(jobs: readonly PendingJob[]): void;
    shift(): PendingJob | null;
    remove(job: PendingJob): void;
    takeAll(): PendingJob[];
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
import type { PoolOptions } from './options.ts';
import { WorkerPool } from './pool.ts';
export declare class ThreadPoolExecutor extends WorkerPool {
    constructor(options?: PoolOptions);
}

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

// dist/transport/claims.d.ts
export declare class JobClaims {
    #private;
    readonly memory: Int32Array;
    constructor(memory?: Int32Array);
    claim(seq: number): boolean;
    recall(lastSent: number): number;
    lastStarted(): number;
    cancel(seq: number): void;
    isCancelled(seq: number): boolean;
}

// dist/transport/frames.d.ts
export declare const inputPipe = 3;
export declare const outputPipe = 4;
export declare const lifePipe = 5;
export declare function encodeFrame(message: unknown): Buffer;
export declare class FrameReader {
    #private;
    constructor(deliver: (message: unknown) => void);
    readonly feed: (chunk: Buffer) => void;
}

// dist/transport/other-runtime.d.ts
export declare const otherRuntime: string | undefined;

// dist/transport/process-link.d.ts
import type { ResourceLimits } from 'node:worker_threads';
import { type ToWorker } from './protocol.ts';
import { type WorkerLink, type WorkerListener } from './worker-link.ts';
export interface ProcessOptions {
    readonly resourceLimits: ResourceLimits | undefined;
    readonly env: NodeJS.ProcessEnv | undefined;
    readonly execArgv: readonly string[] | undefined;
}
export declare class ProcessLink implements WorkerLink {
    #private;
    constructor(id: number, listener: WorkerListener, options: ProcessOptions);
    post(message: ToWorker): void;
    tryClone(value: unknown): void;
    hold(on: boolean): void;
    kill(): void;
    recall(lastSent: number): null;
    markCancelled(seq: number): void;
    lastStarted(): null;
}

// dist/transport/protocol.d.ts
import type { EncodedError } from '../jobs/encode-error.ts';
export interface ModuleTarget {
    readonly url: string;
    readonly name: string;
}
export interface SourceTarget {
    readonly source: string;
}
export type JobTarget = SourceTarget | ModuleTarget;
export type JobMessage = readonly [
    seq: number,
    kind: number,
    args: readonly unknown[],
    target: JobTarget | null,
    chunked: boolean
];
export type ResultMessage = readonly [seq: number, ms: number, next: number, value: unknown];
export type ToWorker = readonly JobMessage[] | {
    type: 'init';
    target: JobTarget | null;
    args: readonly unknown[];
}
 | {
    type: 'cancel';
    seq: number;
}
 | {
    type: 'credit';
    seq: number;
    count: number;
}
 | {
    type: 'forget';
};
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
} | {
    type: 'progress';
    seq: number;
    value: unknown;
};
export declare const streamWindow = 16;
export interface WorkerIdentity {
    readonly id: number;
    readonly shared: Int32Array | null;
}
export declare const identityKey = "@tasktree/executor.worker";

// dist/transport/real-timer.d.ts
export declare function afterDelay(ms: number, callback: () => void, options: {
    hold: boolean;
}): () => void;

// dist/transport/thread-link.d.ts
import { type ResourceLimits, type Transferable } from 'node:worker_threads';
import { type ToWorker } from './protocol.ts';
import { type WorkerLink, type WorkerListener } from './worker-link.ts';
export interface ThreadOptions {
    readonly name: string;
    readonly resourceLimits: ResourceLimits | undefined;
    readonly env: NodeJS.ProcessEnv | undefined;
}
export declare class ThreadLink implements WorkerLink {
    #private;
    constructor(id: number, listener: WorkerListener, options: ThreadOptions);
    post(message: ToWorker, transferList: readonly Transferable[]): void;
    tryClone(value: unknown): void;
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
import type { EncodedError } from '../jobs/encode-error.ts';
import type { PendingJob } from '../jobs/pending-job.ts';
import type { JobTarget, ToWorker } from './protocol.ts';
import type { StartWorker, WorkerExit } from './worker-link.ts';
export interface WorkerOwner {
    onReady(worker: WorkerHandle): void;
    onStartFailed(worker: WorkerHandle, error: EncodedError): void;
    onResult(worker: WorkerHandle, job: PendingJob, value: unknown): void;
    onError(worker: WorkerHandle, job: PendingJob, error: EncodedError): void;
    onEnded(worker: WorkerHandle): void;
    onReturned(worker: WorkerHandle, jobs: PendingJob[]): void;
    onStarted(worker: WorkerHandle, job: PendingJob): void;
    onExit(worker: WorkerHandle, exit: WorkerExit, left: LeftJobs): void;
}
export interface LeftJobs {
    readonly running: PendingJob | null;
    readonly unstarted: PendingJob[];
}
export type WorkerState = 'starting' | 'ready' | 'ending' | 'ended';
export declare class WorkerHandle {
    #private;
    readonly id: number;
    state: WorkerState;
    stopIdling: (() => void) | null;
    endedBefore: number;
    isKilled: boolean;
    constructor(id: number, start: StartWorker, owner: WorkerOwner, cancelGrace: number);
    get load(): number;
    get taken(): number;
    get isShort(): boolean;
    get isStopping(): boolean;
    get isIdle(): boolean;
    isOvertaken(ended: number): boolean;
    isReady: boolean;
    listUnstarted(): PendingJob[];
    get first(): PendingJob | null;
    get isRunning(): boolean;
    initialize(target: JobTarget | null, args: readonly unknown[]): void;
    send(jobs: readonly PendingJob[]): void;
    tryClone(value: unknown): void;
    post(message: ToWorker): void;
    hold(on: boolean): void;
    grant(job: PendingJob, count: number): void;
    recall(least?: number): void;
    cancel(job: PendingJob): void;
    kill(): void;
}

// dist/transport/worker-link.d.ts
import type { Transferable } from 'node:worker_threads';
import type { FromWorker, ToWorker } from './protocol.ts';
export interface WorkerExit {
    readonly exitCode: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly error: unknown;
}
export interface WorkerListener {
    onMessage(message: FromWorker): void;
    onExit(exit: WorkerExit): void;
}
export interface WorkerLink {
    post(message: ToWorker, transferList: readonly Transferable[]): void;
    tryClone(value: unknown): void;
    hold(on: boolean): void;
    kill(): void;
    recall(lastSent: number): number | null;
    markCancelled(seq: number): void;
    lastStarted(): number | null;
}
export type StartWorker = (id: number, listener: WorkerListener) => WorkerLink;
export interface WorkerKind {
    readonly start: StartWorker;
    readonly maxAhead: number;
}
export declare const workerEntry: URL;

// dist/worker-entry.d.ts
export {};

// dist/worker/context.d.ts
import { AsyncLocalStorage } from 'node:async_hooks';
import { type WorkerIdentity } from '../transport/protocol.ts';
export interface RunningJob {
    readonly signal: AbortSignal;
    reportProgress(value: unknown): void;
}
export declare const currentJob: AsyncLocalStorage<RunningJob>;
export declare const identity: WorkerIdentity | null;
export declare const workerId: number | null;
export declare function workerSignal(): AbortSignal;
export declare function reportProgress(value: unknown): void;

// dist/worker/lingerer.d.ts
export declare class Lingerer {
    #private;
    constructor(look: () => boolean);
    start(): void;
}

// dist/worker/load-job.d.ts
import type { JobTarget } from '../transport/protocol.ts';
export type JobFunction = (...args: any[]) => unknown;
export declare class JobLoader {
    #private;
    learn(kind: number, target: JobTarget): void;
    load(kind: number): JobFunction | Promise<JobFunction>;
    forget(): void;
}

// dist/worker/process-channel.d.ts
export declare function connectProcess(): void;

// dist/worker/runtime.d.ts
import type { Transferable } from 'node:worker_threads';
import { type FromWorker, type ToWorker } from '../transport/protocol.ts';
export interface WorkerChannel {
    post(message: FromWorker, transferList?: readonly Transferable[]): void;
    claim(seq: number): boolean;
    isCancelled(seq: number): boolean;
    readonly announces: boolean;
    send(value: unknown): void;
    rest(): void;
}
export declare class WorkerRuntime {
    #private;
    constructor(channel: WorkerChannel);
    readonly receive: (message: ToWorker) => void;
}

// dist/worker/thread-channel.d.ts
export declare function connectThread(shared: Int32Array): void;

// dist/worker/watch.d.ts
export {};
