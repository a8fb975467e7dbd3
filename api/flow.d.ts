// dist/argument-key.d.ts
export declare function keyOfArguments(...args: readonly unknown[]): string;

// dist/backoff.d.ts
export type Backoff = (attempt: number, error?: unknown) => number;
export interface ExponentialOptions {
    min?: number | undefined;
    max?: number | undefined;
    factor?: number | undefined;
    jitter?: 'full' | 'none' | undefined;
}
export declare function exponential(options?: ExponentialOptions): Backoff;
export declare function constant(ms: number): Backoff;

// dist/call-for-each-item.d.ts
import { type Source } from './pump.ts';
export interface WorkOptions {
    concurrency?: number | undefined;
    stopOnError?: boolean | undefined;
    signal?: AbortSignal | undefined;
}
export declare function callForEachItem<T, R>(items: Source<T>, fn: (item: T, index: number) => PromiseLike<R>, options: WorkOptions | undefined, done: (result: R, index: number) => void): Promise<void>;

// dist/cancels.d.ts
export declare function isCancel(error: unknown): boolean;
export declare function isOwnCancel(error: unknown): boolean;
export declare function cancelsSoFar(): number;
export declare function isUnderCancel(before: number): boolean;
export declare function isInCancelledScope(): boolean;
export declare function throwCancel(): Promise<never>;
export declare function wasCancelled(error: unknown, before: number): boolean;

// dist/check-options.d.ts
export declare function checkFunction(name: string, value: unknown): void;
export declare function accepts(name: string, predicate: ((error: unknown) => unknown) | undefined, error: unknown): boolean;
export declare function requireOptions(call: string, takes: string, options: object | undefined): void;

// dist/circuit-breaker.d.ts
export type CircuitState = 'closed' | 'open' | 'half-open';
export interface CircuitBreakerOptions {
    failures: number;
    within: number;
    resetAfter: number;
    halfOpen?: number | undefined;
    countIf?: ((error: unknown) => boolean) | undefined;
}
export declare class CircuitBreaker {
    #private;
    onStateChange: ((state: CircuitState, previous: CircuitState) => void) | null;
    constructor(options: CircuitBreakerOptions);
    get state(): CircuitState;
    run<T>(fn: () => PromiseLike<T>, options?: {
        signal?: AbortSignal;
    }): Promise<T>;
}

// dist/coalesce.d.ts
export declare function coalesce<A extends unknown[], R>(fn: (...args: A) => PromiseLike<R>, due: (now: number) => number, options: {
    signal?: AbortSignal;
} | undefined): (...args: A) => Promise<R>;

// dist/debounce.d.ts
export declare function debounce<A extends unknown[], R>(fn: (...args: A) => PromiseLike<R>, ms: number, options?: {
    signal?: AbortSignal;
}): (...args: A) => Promise<R>;

// dist/earlier-errors.d.ts
export declare function keepError(earlier: unknown[], error: unknown): void;
export declare function carryErrors(last: unknown, earlier: readonly unknown[]): void;

// dist/errors.d.ts
export declare class CircuitOpenError extends Error {
    readonly name: string;
    readonly code: string;
    readonly retryAfter: number;
    constructor(retryAfter: number, lastFailure: unknown);
}
export declare class BusyError extends Error {
    readonly name: string;
    readonly code: string;
    constructor();
}
export declare class EventOverflowError extends Error {
    readonly name: string;
    readonly code: string;
    constructor(event: string | symbol, buffer: number);
}

// dist/event-source.d.ts
import type { EventEmitter } from 'node:events';
export declare function listen(call: string, source: EventEmitter | EventTarget, event: string | symbol, heard: (value: unknown) => void, failed: (error: unknown) => void): () => void;

// dist/event-stream.d.ts
import type { EventEmitter } from 'node:events';
import type { Events } from './on.ts';
export interface EventStreamOptions {
    readonly buffer: number;
    readonly overflow: 'error' | 'drop-oldest' | 'drop-newest';
    readonly signal: AbortSignal | undefined;
}
export declare class EventStream<T> implements Events<T> {
    #private;
    constructor(call: string, source: EventEmitter | EventTarget, event: string | symbol, { buffer, overflow, signal }: EventStreamOptions);
    next(): Promise<IteratorResult<T, undefined>>;
    return(): Promise<IteratorResult<T, undefined>>;
    [Symbol.asyncDispose](): Promise<void>;
    [Symbol.asyncIterator](): this;
}

// dist/exhaust.d.ts
import { type KeyedOptions } from './keyed-options.ts';
export declare function exhaust<A extends unknown[], R>(fn: (...args: A) => PromiseLike<R>, options?: KeyedOptions<A>): (...args: A) => Promise<R>;

// dist/for-each.d.ts
import { type Source } from './pump.ts';
import { type WorkOptions } from './call-for-each-item.ts';
export declare function forEach<T>(items: Source<T>, fn: (item: T, index: number) => PromiseLike<unknown>, options?: WorkOptions): Promise<void>;

// dist/hedge.d.ts
export interface HedgeOptions {
    delay: number;
    max?: number | undefined;
    signal?: AbortSignal | undefined;
}
export declare function hedge<T>(fn: (attempt: number) => PromiseLike<T>, options: HedgeOptions): Promise<T>;

// dist/index.d.ts
export { type Backoff, constant, exponential, type ExponentialOptions } from './backoff.ts';
export { CircuitBreaker, type CircuitBreakerOptions, type CircuitState } from './circuit-breaker.ts';
export { debounce } from './debounce.ts';
export { BusyError, CircuitOpenError, EventOverflowError } from './errors.ts';
export { exhaust } from './exhaust.ts';
export { forEach } from './for-each.ts';
export { hedge, type HedgeOptions } from './hedge.ts';
export type { KeyedOptions } from './keyed-options.ts';
export { latest } from './latest.ts';
export { map } from './map.ts';
export { mapStream, type MapStreamOptions } from './map-stream.ts';
export { type Events, on, type OnOptions } from './on.ts';
export { once } from './once.ts';
export { poll, type PollOptions } from './poll.ts';
export type { Source } from './pump.ts';
export { queued } from './queued.ts';
export { retry, type RetryOptions } from './retry.ts';
export { singleFlight } from './single-flight.ts';
export { throttle } from './throttle.ts';
export { ticker } from './ticker.ts';
export type { WorkOptions } from './call-for-each-item.ts';

// dist/keyed-mutex.d.ts
import { type CancelledError, Future, type Task } from '@tasktree/core';
export declare class KeyedMutex {
    #private;
    isBusy(key: unknown): boolean;
    runExclusive<T>(key: unknown, body: (line: Line) => PromiseLike<T>): Promise<T>;
    cancelAll(key: unknown, reason: CancelledError): void;
}
export declare class Line {
    #private;
    waiters: Set<Future<void>>;
    runs(task: Task): void;
    cancelRunning(reason: CancelledError): void;
    cancelWaiters(reason: CancelledError): void;
    throwIfCancelled(): void;
    turnEnded(): void;
    next(): Future<void> | null;
}

// dist/keyed-options.d.ts
export interface KeyedOptions<A extends unknown[]> {
    key?: ((...args: A) => unknown) | undefined;
    signal?: AbortSignal | undefined;
}
export declare function checkKeyed<A extends unknown[]>(options: KeyedOptions<A> | undefined): KeyedOptions<A>;

// dist/latest.d.ts
import { type KeyedOptions } from './keyed-options.ts';
export declare function latest<A extends unknown[], R>(fn: (...args: A) => PromiseLike<R>, options?: KeyedOptions<A>): (...args: A) => Promise<R>;

// dist/map-stream.d.ts
import { type Source } from './pump.ts';
export interface MapStreamOptions {
    concurrency?: number | undefined;
    ordered?: boolean | undefined;
    buffer?: number | undefined;
    signal?: AbortSignal | undefined;
}
export declare function mapStream<T, R>(items: Source<T>, fn: (item: T, index: number) => PromiseLike<R>, options?: MapStreamOptions): AsyncIterable<R>;

// dist/map.d.ts
import { type Source } from './pump.ts';
import { type WorkOptions } from './call-for-each-item.ts';
type Mapped<T extends readonly unknown[], R> = {
    -readonly [K in keyof T]: R;
};
export declare function map<const T extends readonly unknown[], R>(items: T, fn: (item: Awaited<T[number]>, index: number) => PromiseLike<R>, options?: WorkOptions): Promise<Mapped<T, R>>;
export declare function map<T, R>(items: Source<T>, fn: (item: T, index: number) => PromiseLike<R>, options?: WorkOptions): Promise<R[]>;
export {};

// dist/next-event.d.ts
import { Claim, type Linked, type LinkedList } from '@tasktree/core/lowlevel';
export type Outcome<T> = IteratorResult<T, undefined> | {
    readonly error: unknown;
};
export interface EventSource<T> {
    serve(next: NextEvent<T>): void;
    pass(next: NextEvent<T>): void;
}
export declare class NextEvent<T> extends Claim<Outcome<T>> implements Linked<NextEvent<T>> {
    #private;
    list: LinkedList<NextEvent<T>> | null;
    nextInList: NextEvent<T> | null;
    previousInList: NextEvent<T> | null;
    constructor(source: EventSource<T>);
    protected claim(): void;
    protected decline(): void;
}

// dist/on.d.ts
import type { EventEmitter } from 'node:events';
export interface OnOptions {
    buffer?: number | undefined;
    overflow?: 'error' | 'drop-oldest' | 'drop-newest' | undefined;
    signal?: AbortSignal | undefined;
}
export interface Events<T> extends AsyncDisposable {
    next(): Promise<IteratorResult<T, undefined>>;
    return(): Promise<IteratorResult<T, undefined>>;
    [Symbol.asyncIterator](): Events<T>;
}
export declare function on<T = unknown>(source: EventEmitter | EventTarget, event: string | symbol, options?: OnOptions): Events<T>;

// dist/once.d.ts
import type { EventEmitter } from 'node:events';
export declare function once<T = unknown>(source: EventEmitter | EventTarget, event: string | symbol, options?: {
    signal?: AbortSignal;
}): Promise<T>;

// dist/poll.d.ts
export interface PollOptions {
    interval: number;
    timeout?: number | undefined;
    signal?: AbortSignal | undefined;
}
export declare function poll<T>(fn: () => PromiseLike<T | undefined>, options: PollOptions): Promise<T>;

// dist/pump.d.ts
export type Source<T> = Iterable<T | PromiseLike<T>> | AsyncIterable<T>;
export interface PumpOptions<T, R> {
    readonly items: Source<T>;
    readonly fn: (item: T, index: number) => PromiseLike<R>;
    readonly concurrency: number;
    readonly hasRoom?: () => boolean;
    readonly done: (result: R, index: number) => void;
    readonly failed: (error: unknown, index: number) => void;
}
export declare class Stop {
    #private;
    constructor(failure: {
        readonly error: unknown;
    } | null);
    get failure(): {
        readonly error: unknown;
    } | null;
    static is(x: unknown): x is Stop;
}
export declare class Pump<T, R> {
    #private;
    active: number;
    begun: number;
    constructor(options: PumpOptions<T, R>);
    run(): Promise<void>;
    end(): void;
    wake(): void;
}
export declare function checkSource(call: string, items: unknown): void;

// dist/queued.d.ts
import { type KeyedOptions } from './keyed-options.ts';
export declare function queued<A extends unknown[], R>(fn: (...args: A) => PromiseLike<R>, options?: KeyedOptions<A>): (...args: A) => Promise<R>;

// dist/report-unthrown.d.ts
export declare function reportUnthrown(exception: unknown): void;

// dist/retry.d.ts
import { type Backoff } from './backoff.ts';
export interface RetryOptions {
    attempts?: number | undefined;
    backoff?: Backoff | undefined;
    timeout?: number | undefined;
    retryIf?: ((error: unknown) => boolean) | undefined;
    onRetry?: ((error: unknown, attempt: number, delay: number) => unknown) | undefined;
    signal?: AbortSignal | undefined;
}
export declare function retry<T>(fn: (attempt: number) => PromiseLike<T>, options?: RetryOptions): Promise<T>;

// dist/run-child.d.ts
import { type Task } from '@tasktree/core';
export declare function runChild<T>(body: () => PromiseLike<T>, begun: (task: Task) => unknown): Promise<T>;
export declare function runWithSignal<T>(signal: AbortSignal | undefined, body: () => Promise<T>): Promise<T>;

// dist/shared-work.d.ts
export declare class SharedWork<T> {
    #private;
    constructor(work: () => PromiseLike<T>, abandoned: () => void);
    get isOver(): boolean;
    get wasCancelledElsewhere(): boolean;
    join(): Promise<T>;
}
export declare function joinWork<T>(find: () => SharedWork<T>): Promise<T>;

// dist/single-flight.d.ts
import { type KeyedOptions } from './keyed-options.ts';
export declare function singleFlight<A extends unknown[], R>(fn: (...args: A) => PromiseLike<R>, options?: KeyedOptions<A>): (...args: A) => Promise<R>;

// dist/sleep-until.d.ts
import { type EventLoop } from '@tasktree/core';
export declare function sleepUntil(loop: EventLoop, when: () => number, signal?: AbortSignal): Promise<void>;

// dist/throttle.d.ts
export declare function throttle<A extends unknown[], R>(fn: (...args: A) => PromiseLike<R>, ms: number, options?: {
    signal?: AbortSignal;
}): (...args: A) => Promise<R>;

// dist/throw-as-is.d.ts
export declare function throwAsIs(error: unknown): never;

// dist/ticker.d.ts
export declare function ticker(ms: number, options?: {
    signal?: AbortSignal;
}): AsyncIterable<number>;

// dist/tracing.d.ts
import { Tracing } from '@tasktree/core/lowlevel';
export interface AttemptTrace {
    readonly name: string;
    readonly attempt: number;
}
export declare const attemptTracing: Tracing<AttemptTrace>;
