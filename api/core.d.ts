// dist/arguments.d.ts
export declare function describe(x: unknown): string;
export declare function checkBody(call: string, body: unknown): void;
export declare function isThenable(x: unknown): x is PromiseLike<unknown>;
export declare function isIterable(x: unknown): x is Iterable<unknown>;
export declare function checkDelay(delay: unknown): number;
export declare function checkCount(name: string, value: unknown, least: number): number;
export declare function checkDuration(name: string, value: unknown): number;
export declare function checkFlag(name: string, value: unknown): boolean;
export declare function checkOptions(options: object | undefined): void;
export declare function checkCancelMessage(msg: unknown): void;
export declare function checkSignal(signal: unknown): void;

// dist/check-runtime.d.ts
export interface Runtime {
    readonly Promise: {
        readonly withResolvers?: unknown;
    };
    readonly process?: {
        readonly versions?: Readonly<Record<string, string | undefined>>;
    } | undefined;
    readonly Zone?: unknown;
}
export declare function findObstacle(runtime: Runtime): string | null;
export declare function checkRuntime(runtime?: Runtime): void;

// dist/combine/as-completed.d.ts
import { type Awaitable } from '../tasks/coroutine.ts';
import type { Future } from '../futures/future.ts';
import { type Result } from './gather.ts';
export declare function asCompleted<T>(aws: Iterable<Awaitable<T>>, options?: {
    timeout?: number | null;
}): AsyncIterable<T> & Iterable<Future<T>>;
export declare function asCompleted<A extends Awaitable<unknown>, R extends Result<A>>(aws: Iterable<A>, options?: {
    timeout?: number | null;
}): AsyncIterable<R> & Iterable<Future<R>>;

// dist/combine/cancel-tasks.d.ts
import { Task } from '../tasks/task.ts';
export declare function cancelTasks(tasks: Iterable<Task>): Promise<void>;
export declare function awaitCancelled(cancelled: readonly Task[], isCircle?: boolean): Promise<void>;

// dist/combine/gather.d.ts
import { type Awaitable } from '../tasks/coroutine.ts';
import { Future } from '../futures/future.ts';
export type Result<A> = A extends Awaitable<infer R> ? R : never;
export type Results<T extends readonly Awaitable<unknown>[]> = {
    -readonly [K in keyof T]: Result<T[K]>;
};
export type Outcomes<T extends readonly Awaitable<unknown>[]> = {
    -readonly [K in keyof T]: Result<T[K]> | Error;
};
export declare function gather<const T extends readonly Awaitable<unknown>[]>(aws: T, options?: {
    returnExceptions?: false | undefined;
}): Future<Results<T>>;
export declare function gather<const T extends readonly Awaitable<unknown>[]>(aws: T, options: {
    returnExceptions?: boolean | undefined;
}): Future<Outcomes<T>>;
export declare function ensureFutures<T>(aws: readonly Awaitable<T>[]): Future<T>[];

// dist/combine/iterate.d.ts
export declare function iterate<T>(source: AsyncIterable<T>): AsyncGenerator<T, void, undefined>;

// dist/combine/race.d.ts
import type { Awaitable } from '../tasks/coroutine.ts';
export declare function race<T>(aws: readonly Awaitable<T>[]): Promise<T>;
export declare function any<T>(aws: readonly Awaitable<T>[]): Promise<T>;

// dist/combine/shield.d.ts
import type { Awaitable } from '../tasks/coroutine.ts';
import type { Future } from '../futures/future.ts';
export declare function shield<T>(aw: Awaitable<T>): Future<T>;

// dist/combine/sleep.d.ts
import { Future } from '../futures/future.ts';
export declare function sleepForever(): Future<never>;
export declare function checkpoint(): Future<void>;
export declare function sleep(ms: number): Future<void>;
export declare function sleep<R>(ms: number, result: R): Future<R>;

// dist/combine/sleeper.d.ts
export declare class Sleeper<K = unknown> {
    #private;
    sleep<R>(key: K, ms: number, result?: R): Promise<R | undefined>;
    cancel(key: K): boolean;
    cancelAll(): number;
    keys(): K[];
}

// dist/combine/staggered-race.d.ts
import { type CoroutineFunction } from '../tasks/coroutine.ts';
export type RaceResult<T> = {
    value: T;
    index: number;
    exceptions: unknown[];
} | {
    value: undefined;
    index: null;
    exceptions: unknown[];
};
export declare function staggeredRace<T>(coros: Iterable<CoroutineFunction<[], T>>, delay: number | null): Promise<RaceResult<T>>;

// dist/combine/wait.d.ts
import { Future } from '../futures/future.ts';
export declare const FIRST_COMPLETED = "FIRST_COMPLETED";
export declare const FIRST_EXCEPTION = "FIRST_EXCEPTION";
export declare const ALL_COMPLETED = "ALL_COMPLETED";
type ReturnWhen = typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION | typeof ALL_COMPLETED;
export declare function wait<F extends Future<unknown>>(aws: Iterable<F>, options?: {
    timeout?: number | null;
    returnWhen?: ReturnWhen;
}): Promise<{
    done: Set<F>;
    pending: Set<F>;
}>;
export declare function waitForSome<F extends Future<unknown>>(futures: ReadonlySet<F>, timeout: number | null, isEnough: (ended: F) => boolean): Promise<{
    done: Set<F>;
    pending: Set<F>;
}>;
export {};

// dist/compatible-versions.d.ts
export type EntryPoints = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
export declare function shareEntryPoints(version: string, path: string, entryPoints: EntryPoints): EntryPoints;

// dist/context/async-context.d.ts
import { AsyncResource } from 'node:async_hooks';
export interface Environment {
}
declare class EnvironmentMap implements Iterable<[unknown, unknown]> {
    readonly outer: ReadonlyMap<unknown, unknown> | undefined;
    environment: Environment | undefined;
    constructor(environment: Environment, outer: ReadonlyMap<unknown, unknown> | undefined);
    get(store: unknown): unknown;
    has(store: unknown): boolean;
    [Symbol.iterator](): IterableIterator<[unknown, unknown]>;
    disable(store: unknown): void;
}
export interface EnvironmentAsMap extends Environment {
    [Symbol.iterator](): Iterator<unknown>;
}
export declare function standForMaps(prototype: EnvironmentAsMap): void;
export type OwnMap = EnvironmentMap | EnvironmentAsMap;
type ContextMap = OwnMap | ReadonlyMap<unknown, unknown> | undefined;
export type AsyncContext = ContextMap | AsyncResource;
export declare function captureAsyncContext(environment: Environment): EnvironmentMap | AsyncResource;
export declare function captureOwnContext<S extends EnvironmentAsMap>(environment: S, map: OwnMap | undefined): S | EnvironmentMap | AsyncResource;
export declare function currentMap(): OwnMap | undefined;
export declare function environmentOfMap(map: OwnMap | undefined): Environment | undefined;
export declare function runInAsyncContext<S extends Environment>(context: AsyncContext, environment: S, fn: (this: S) => void): void;
export declare function saveAsyncContext(): AsyncContext;
export declare function resumeAsyncContext<S>(context: AsyncContext, subject: S, fn: (this: S) => void): void;
export declare function makeAsyncContext(environment: Environment): AsyncResource;
export declare function runInEnvironment<T>(environment: Environment, fn: () => T): T;
export declare function currentEnvironment(): Environment | undefined;
export {};

// dist/context/context-vars.d.ts
export declare class Context {
    #private;
    run<T>(fn: () => T): T;
    get<T>(variable: ContextVar<T>): T | undefined;
    has(variable: ContextVar<unknown>): boolean;
    keys(): IterableIterator<ContextVar<unknown>>;
}
export declare const rootContext: () => Context;
export declare function copyContext(): Context;
export declare function contextOf(options: {
    context?: Context;
} | undefined): Context;
export declare class Token<T> {
    readonly variable: ContextVar<T>;
    get oldValue(): T | undefined;
}
export declare class ContextVar<T> {
    #private;
    readonly name: string;
    constructor(name: string, options?: {
        default: T;
    });
    get(...fallback: [] | [T]): T;
    get<F>(fallback: F): T | F;
    set(value: T): Token<T>;
    reset(token: Token<T>): void;
}

// dist/context/current.d.ts
import { type Environment } from './async-context.ts';
import type { EventLoop } from '../loop/loop.ts';
import type { Frame } from '../tasks/frame.ts';
import type { Task } from '../tasks/task.ts';
export declare function currentTask(): Task | null;
export declare function currentFrame(): Frame | null;
export declare function getRunningLoop(): EventLoop;
export declare function installLoopClass(eventLoop: new () => EventLoop): void;
export declare function checkLoop(loop: unknown): asserts loop is EventLoop;
export declare function getEventLoop(): EventLoop;
export declare function loopOf(environment: Environment | undefined): EventLoop;

// dist/context/detached.d.ts
export declare function detached<T>(fn: () => T): T;

// dist/errors/brand.d.ts
export declare function brand(prototype: object, name: string): void;
export declare function hasBrand(error: unknown, name: string): boolean;
export declare function ownBrand(prototype: object): string | null;

// dist/errors/caller-stack.d.ts
export declare function startAtCaller<E extends Error>(error: E, url?: string): E;

// dist/errors/error-text.d.ts
export declare function errorText(error: unknown): string;

// dist/errors/errors.d.ts
export declare class CancelledError extends Error {
    #private;
    readonly name: string;
    readonly code: string;
    constructor(message?: string, options?: ErrorOptions);
}
export declare function isCancelled(error: unknown): error is CancelledError;
export declare function isAbortError(error: unknown): boolean;
export declare function cancelBehindAbort(error: unknown): CancelledError | null;
export declare function cancelBehind(error: unknown): CancelledError | null;
export declare function toCancelledError(msg: string | CancelledError | undefined): CancelledError;
export declare class TimeoutError extends Error {
    readonly name: string;
    readonly code: string;
}
export declare class InvalidStateError extends Error {
    readonly name: string;
    readonly code: string;
}
export declare class RuntimeError extends Error {
    readonly name: string;
    readonly code: string;
}
export declare class LookupError extends Error {
    readonly name: string;
    readonly code: string;
}
export declare class KeyboardInterrupt extends Error {
    readonly name: string;
    readonly code: string;
    readonly signal: NodeJS.Signals;
    constructor(signal?: NodeJS.Signals);
}
export declare function isInterrupt(error: unknown): error is KeyboardInterrupt;
export declare class DeadlockError extends Error {
    readonly name: string;
    readonly code: string;
}

// dist/errors/exception-group.d.ts
type Condition = ((error: unknown) => boolean) | (abstract new (...args: never[]) => unknown);
export declare class ExceptionGroup extends AggregateError {
    readonly name: string;
    readonly code: string;
    constructor(message: string, errors: Iterable<unknown>, options?: ErrorOptions);
    subgroup(condition: Condition): ExceptionGroup | null;
    split(condition: Condition): [ExceptionGroup | null, ExceptionGroup | null];
}
export declare function isGroup(error: unknown): error is ExceptionGroup;
export {};

// dist/futures/await-sites.d.ts
import type { Future } from './future.ts';
import type { Reaction } from './reaction.ts';
export declare function captureAwaitSites(on: boolean): void;
export declare function capturesAwaitSites(): boolean;
export declare function noteAwaitSite(reaction: Reaction, future: Future<unknown>): void;
export declare function noteYieldSite(future: Future<unknown>): void;
export declare function awaitSiteOf(reaction: Reaction): readonly string[];
export declare function programFrames(): string[];
export declare function callSites(limit?: number): readonly NodeJS.CallSite[];
export declare function isForeign(file: string): boolean;
export declare function toPath(file: string): string;

// dist/futures/awaiter.d.ts
import type { CancelledError } from '../errors/errors.ts';
import type { Future } from './future.ts';
import type { Reaction } from './reaction.ts';
import type { Frame } from '../tasks/frame.ts';
export type Resolve = (value: unknown) => unknown;
export type Reject = (error: unknown) => unknown;
declare abstract class Derived implements PromiseLike<unknown> {
    then<R = unknown, E = never>(onFulfilled?: ((value: unknown) => R | PromiseLike<R>) | null, onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<R | E>;
    catch<E>(onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<unknown>;
    finally(onFinally?: (() => void) | null): Promise<unknown>;
}
export declare class Chain {
    readonly resolve: Resolve;
    readonly reject: Reject;
    readonly derived: PromiseWithResolvers<unknown>;
    constructor(resolve: Resolve, reject: Reject);
}
export declare const nothing: Promise<unknown>;
export declare function passOn(future: Future<unknown>, cancel: CancelledError | null, functions: Resolve | Chain, reject: Reject | null): Promise<unknown>;
export declare class Awaiter extends Derived implements Reaction {
    #private;
    waitingFrame: Frame | null;
    began: number;
    constructor(frame: Frame | null, future: Future<unknown>, functions: Resolve | Chain, reject: Reject | null);
    run(): void;
    label(): string;
    protected promise(): Promise<unknown>;
    isWait(): boolean;
    replaceFunctions(resolve: Resolve, reject: Reject): Resolve | null;
    becomeCallback(): void;
}
export declare class OwnAwait extends Derived {
    #private;
    constructor(frame: Frame, future: Future<unknown>, resolve: Resolve);
    protected promise(): Promise<unknown>;
    static write(frame: Frame, future: Future<unknown>, resolve: Resolve, promise: PromiseLike<unknown>): void;
}
export {};

// dist/futures/chained-promise.d.ts
import type { Reject, Resolve } from './awaiter.ts';
import type { Future } from './future.ts';
export declare class ChainedPromise<T> extends Promise<T> {
    #private;
    static readonly name: string;
    static of<T>(future: Future<T>, begin: (resolve: Resolve, reject: Reject) => void): Promise<T>;
    then<R = T, E = never>(onFulfilled?: ((value: T) => R | PromiseLike<R>) | null, onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<R | E>;
    catch<E = never>(onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<T | E>;
    finally(onFinally?: (() => void) | null): Promise<T>;
}
export declare function awaitHere<T>(awaitable: PromiseLike<T>): Promise<T>;

// dist/futures/claim.d.ts
import type { CancelledError } from '../errors/errors.ts';
import { Future } from './future.ts';
import type { Runnable } from '../loop/ready-queue.ts';
export declare abstract class Claim<T> extends Future<T> implements Runnable {
    #private;
    wake(): boolean;
    isWoken(): boolean;
    describeWait(): string;
    isUnused(): boolean;
    protected abstract claim(): void;
    protected abstract decline(): void;
    cancel(msg?: string | CancelledError): boolean;
    willDecline(): boolean;
}

// dist/futures/describe-wait.d.ts
import type { Future } from './future.ts';
export declare function describeWait(future: Future<unknown>): string;

// dist/futures/detailed-future.d.ts
import type { EventLoop } from '../loop/loop.ts';
import { Future } from './future.ts';
import { type WaitDetails } from './wait-details.ts';
export declare class DetailedFuture<T> extends Future<T> {
    #private;
    constructor(details: () => WaitDetails, options?: {
        loop?: EventLoop;
    });
}

// dist/futures/duration-text.d.ts
export declare function durationText(milliseconds: number): string;

// dist/futures/future-iterator.d.ts
import type { Future } from './future.ts';
export declare class FutureIterator<T> {
    done: boolean | undefined;
    value: unknown;
    constructor(future: Future<T>);
    next(): this;
    throw(error: unknown): never;
    return(value: unknown): this;
    [Symbol.iterator](): this;
}

// dist/futures/future.d.ts
import { type Context } from '../context/context-vars.ts';
import { CancelledError } from '../errors/errors.ts';
import { type CoroutineGenerator } from '../tasks/coroutine.ts';
import type { EventLoop } from '../loop/loop.ts';
export declare class Future<T> implements PromiseLike<T> {
    #private;
    constructor(options?: {
        loop?: EventLoop;
    });
    done(): boolean;
    cancelled(): boolean;
    result(): T;
    exception(): unknown;
    setResult(value: T): void;
    setException(error: unknown): void;
    cancel(msg?: string | CancelledError): boolean;
    addDoneCallback(cb: (future: this) => void, options?: {
        context?: Context;
    }): void;
    removeDoneCallback(cb: (future: this) => void): number;
    getLoop(): EventLoop;
    then<R = T, E = never>(onFulfilled?: ((value: T) => R | PromiseLike<R>) | null, onRejected?: ((error: any) => E | PromiseLike<E>) | null): Promise<R | E>;
    catch<E = never>(onRejected?: ((error: any) => E | PromiseLike<E>) | null): Promise<T | E>;
    finally(onFinally?: (() => void) | null): Promise<T>;
    get [Symbol.toStringTag](): string;
    [Symbol.iterator](): CoroutineGenerator<T>;
}
export declare function completed(): Future<void>;
export declare function completed<T>(value: T): Future<T>;
export declare function isFuture(x: unknown): x is Future<unknown>;

// dist/futures/inspect.d.ts
import type { Future } from './future.ts';
export declare const inspected: unique symbol;
export type Inspect = (value: unknown, options: object) => string;
export declare function showFuture(future: Future<unknown>, depth: number, inspect: (value: unknown) => string): string;

// dist/futures/observe.d.ts
import type { Future } from './future.ts';
export declare function observe<T>(future: Future<T>, callback: (future: Future<T>) => void): () => void;
export declare function hasFailed(future: Future<unknown>): boolean;

// dist/futures/observed-future.d.ts
import { Future } from './future.ts';
export declare abstract class ObservedFuture<T> extends Future<T> {
    protected abstract observed(): void;
}

// dist/futures/on-abort.d.ts
import { CancelledError } from '../errors/errors.ts';
import type { Future } from './future.ts';
export declare function onAbort(signal: AbortSignal, callback: () => void): () => void;
export declare function cancelOnAbort<F extends Future<unknown>>(future: F, signal: AbortSignal | undefined): F;
export declare function abortError(signal: AbortSignal): CancelledError;

// dist/futures/printable.d.ts
export declare function printable(text: string): string;

// dist/futures/reaction-set.d.ts
import type { EventLoop } from '../loop/loop.ts';
import type { Reaction } from './reaction.ts';
export type ReactionSet = Reaction | Set<Reaction> | null;
export declare function addReaction(reactions: ReactionSet, reaction: Reaction): ReactionSet;
export declare function withoutReaction(reactions: ReactionSet, reaction: Reaction): ReactionSet;
export declare function soleReaction(reactions: ReactionSet): Reaction | null;
export declare function listReactions(reactions: ReactionSet): Reaction[];
export declare function pushReactions(reactions: Reaction | Set<Reaction>, loop: EventLoop): void;
export declare function pushReaction(reaction: Reaction, loop: EventLoop): void;

// dist/futures/reaction.d.ts
import { type Environment } from '../context/async-context.ts';
import type { Context } from '../context/context-vars.ts';
import type { Future } from './future.ts';
import type { EventLoop } from '../loop/loop.ts';
import type { Runnable } from '../loop/ready-queue.ts';
import type { Frame } from '../tasks/frame.ts';
export interface Reaction extends Runnable {
}
export declare class InternalCallback<T> implements Reaction {
    #private;
    constructor(future: Future<T>, callback: (future: Future<T>) => void);
    get waitingFrame(): null;
    run(): void;
    label(): string;
}
export declare class DoneCallback implements Reaction, Environment {
    #private;
    readonly waitingFrame: Frame | null;
    readonly frame: Frame;
    readonly loop: EventLoop;
    readonly callback: (future: never) => void;
    constructor(future: Future<unknown>, callback: (future: never) => void, context: Context);
    contextVars(): Context;
    run(): void;
    label(): string;
}

// dist/futures/recognize-await.d.ts
export declare function mayBeAwait(onFulfilled: unknown, onRejected: unknown): boolean;
export declare function isResolver(fn: unknown): boolean;

// dist/futures/unretrieved.d.ts
import type { Future } from './future.ts';
import type { EventLoop } from '../loop/loop.ts';
import type { Runnable } from '../loop/ready-queue.ts';
interface Report {
    readonly failures: Failures;
    readonly what: 'Future' | 'Task';
    readonly name: string | null;
    readonly exception: unknown;
    readonly future: WeakRef<Future<unknown>>;
}
export declare function whenLostUnseen(future: Future<unknown>, callback: () => void): void;
export declare function forgetUnretrieved(future: Future<unknown>): void;
export declare class Failures implements Runnable {
    #private;
    constructor(loop: EventLoop);
    note(future: Future<unknown>): void;
    dropped(): void;
    run(): void;
    unseen(): Future<unknown>[];
    forget(report: Report): void;
    report(report: Report): void;
    reportAll(): void;
}
export {};

// dist/futures/wait-details.d.ts
import type { Future } from './future.ts';
export interface WaitDetails {
    kind: string;
    label: string;
    note?: string | undefined;
    text?: string | undefined;
    next?: Future<unknown> | null | undefined;
    parts?: Iterable<Future<unknown>> | undefined;
}
export declare const waitDetails: unique symbol;
export declare function detailsOf(future: Future<unknown>): WaitDetails;
export declare const foreignPromise: WaitDetails;

// dist/growing-delay.d.ts
export interface GrowingDelays {
    readonly min: number;
    readonly max: number;
    readonly factor: number;
}
export declare function growingDelay({ min, max, factor }: GrowingDelays, count: number): number;

// dist/index.d.ts
export { asCompleted } from './combine/as-completed.ts';
export { cancelTasks } from './combine/cancel-tasks.ts';
export type { Clock } from './loop/clock.ts';
export { Context, ContextVar, copyContext, Token } from './context/context-vars.ts';
export { type Awaitable, Coroutine, coroutine, type CoroutineFunction, type CoroutineGenerator, isCoroutine, isCoroutineFunction, } from './tasks/coroutine.ts';
export { currentTask, getEventLoop, getRunningLoop } from './context/current.ts';
export { detached } from './context/detached.ts';
export { ensureFuture } from './tasks/ensure-future.ts';
export { CancelledError, DeadlockError, InvalidStateError, isCancelled, KeyboardInterrupt, LookupError, RuntimeError, TimeoutError, } from './errors/errors.ts';
export { ExceptionGroup } from './errors/exception-group.ts';
export { Future, isFuture } from './futures/future.ts';
export { gather } from './combine/gather.ts';
export { Handle, TimerHandle } from './loop/handle.ts';
export type { TaskMessage } from './tasks/channels.ts';
export type { ExceptionContext, ExceptionHandler } from './loop/exception-handler.ts';
export { allTasks, EventLoop, newEventLoop } from './loop/loop.ts';
export { run } from './run/run.ts';
export { runMain } from './run/run-main.ts';
export { Runner, type RunnerOptions } from './run/runner.ts';
export { captureAwaitSites } from './futures/await-sites.ts';
export { type LoopSnapshot, type RuntimeSnapshot, type ScopeSnapshot, snapshot, type TaskSnapshot, type WaitSnapshot, } from './snapshot/snapshot.ts';
export { why } from './snapshot/why.ts';
export { shield } from './combine/shield.ts';
export { checkpoint, sleep, sleepForever } from './combine/sleep.ts';
export { any, race } from './combine/race.ts';
export { iterate } from './combine/iterate.ts';
export { Sleeper } from './combine/sleeper.ts';
export { type RaceResult, staggeredRace } from './combine/staggered-race.ts';
export { createTask, Task, type TaskOptions, taskSignal } from './tasks/task.ts';
export { TaskGroup, taskGroup, type TaskGroupOptions } from './scopes/task-group.ts';
export { type ManagedTask, TaskManager } from './run/task-manager.ts';
export { formatTaskTree } from './tasks/format-task-tree.ts';
export { Timeout, timeout, timeoutAt, waitFor } from './scopes/timeout.ts';
export { CancelScope, cancelScope, type CancelScopeOptions, type ScopeResult, } from './scopes/cancel-scope.ts';
export { currentScope, effectiveDeadline } from './scopes/current-scope.ts';
export { failAfter, moveOnAfter } from './scopes/fail-after.ts';
export { shielded } from './scopes/shielded.ts';
export { ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, wait } from './combine/wait.ts';

// dist/linked-list.d.ts
export interface Linked<E extends Linked<E>> {
    list: LinkedList<E> | null;
    nextInList: E | null;
    previousInList: E | null;
}
export declare class LinkedList<E extends Linked<E>> {
    #private;
    get size(): number;
    first(): E | null;
    has(entry: E): boolean;
    push(entry: E): void;
    unshift(entry: E): void;
    replace(entry: E, substitute: E): void;
    remove(entry: E): boolean;
    shift(): E | null;
}

// dist/loop/after-delay.d.ts
export declare function afterDelay(ms: number, callback: () => void, options?: {
    readonly hold?: boolean;
}): () => void;

// dist/loop/clock.d.ts
export interface Clock {
    now(): number;
    setAlarm(deadline: number | null, wake: () => void, isIdle: () => boolean): void;
    yieldToIO(resume: () => void): void;
    stop(): void;
    readonly virtual: boolean;
}
export declare function isClock(x: unknown): x is Clock;
export interface Platform {
    readonly setTimeout: typeof globalThis.setTimeout;
    readonly clearTimeout: typeof globalThis.clearTimeout;
    readonly now: () => number;
}
export declare const nextTick: (callback: () => void) => void;
export declare function currentPlatform(): Platform;
export declare function machineTime(): number;
export declare function callLaterUnref(ms: number, cb: () => void): void;
export declare class SystemClock implements Clock {
    #private;
    readonly virtual: boolean;
    now(): number;
    setAlarm(deadline: number | null, wake: () => void): void;
    yieldToIO(resume: () => void): void;
    stop(): void;
}

// dist/loop/debug-monitor.d.ts
import type { Future } from '../futures/future.ts';
import type { Reaction } from '../futures/reaction.ts';
import type { Frame } from '../tasks/frame.ts';
import type { Task } from '../tasks/task.ts';
import type { EventLoop } from './loop.ts';
export declare class DebugMonitor {
    #private;
    constructor(loop: EventLoop);
    turnBegan(): void;
    turnEnded(holder: Task | Frame): void;
    callbackEnded(name: string, start: number): void;
    cancelRemembered(task: Task): void;
    cancelDelivered(task: Task): void;
    cancelThrown(task: Task, key: Reaction): void;
    cancelSwallowed(task: Task): void;
    futureMade(future: Future<unknown>): void;
    scopeEnded(frame: Frame): void;
    taskEnded(task: Task): void;
}

// dist/loop/exception-handler.d.ts
import type { Future } from '../futures/future.ts';
import type { Task } from '../tasks/task.ts';
import type { Handle } from './handle.ts';
import type { EventLoop } from './loop.ts';
export interface ExceptionContext {
    message: string;
    exception?: unknown;
    task?: Task;
    future?: Future<unknown>;
    handle?: Handle;
}
export type ExceptionHandler = (loop: EventLoop, context: ExceptionContext) => void;
export declare function checkExceptionHandler(handler: unknown): void;
export declare function reportException(loop: EventLoop, handler: ExceptionHandler | null, context: ExceptionContext): void;
export declare function printException(context: ExceptionContext): void;
export declare function printError(...values: unknown[]): void;

// dist/loop/handle.d.ts
import { type Environment } from '../context/async-context.ts';
import type { Context } from '../context/context-vars.ts';
import type { Runnable } from './ready-queue.ts';
import type { TimerEntry } from './timer-heap.ts';
export declare class Handle implements Runnable, Environment {
    #private;
    cancel(): void;
    cancelled(): boolean;
    getContext(): Context;
}
export declare class TimerHandle extends Handle implements TimerEntry {
    #private;
    cancel(): void;
    when(): number;
}

// dist/loop/live-list.d.ts
export declare class LiveList<T extends object> {
    #private;
    constructor(isLive: (object: T) => boolean);
    add(object: T): void;
    list(): T[];
}

// dist/loop/live-loops.d.ts
import type { EventLoop } from './loop.ts';
export declare function noteLoop(loop: EventLoop): void;
export declare function liveLoops(): EventLoop[];

// dist/loop/live-tasks.d.ts
import type { Execution } from '../tasks/execution.ts';
import type { Task } from '../tasks/task.ts';
export declare class LiveTasks {
    #private;
    add(execution: Execution): number;
    remove(execution: Execution): void;
    each(visit: (task: Task) => void): void;
    list(): Task[];
}

// dist/loop/loop.d.ts
import type { AsyncResource } from 'node:async_hooks';
import { type Clock } from './clock.ts';
import { type Context } from '../context/context-vars.ts';
import { type Awaitable, type Coroutine, type CoroutineFunction } from '../tasks/coroutine.ts';
import { type ExceptionContext, type ExceptionHandler } from './exception-handler.ts';
import { Future } from '../futures/future.ts';
import { Handle, TimerHandle } from './handle.ts';
import { Scheduler } from './scheduler.ts';
import { type Task, type TaskOptions } from '../tasks/task.ts';
export declare class EventLoop extends Scheduler {
    #private;
    slowCallbackDuration: number;
    protected readonly outside: AsyncResource;
    time(): number;
    callSoon(cb: () => void, options?: {
        context?: Context;
    }): Handle;
    callLater(delay: number, cb: () => void, options?: {
        context?: Context;
    }): TimerHandle;
    callAt(when: number, cb: () => void, options?: {
        context?: Context;
    }): TimerHandle;
    createFuture<T>(): Future<T>;
    createTask<T>(coro: CoroutineFunction<[], T> | Coroutine<T>, options?: Omit<TaskOptions, 'loop'>): Task<T>;
    runUntilComplete<T>(awaitable: Awaitable<T>): Promise<T>;
    runForever(): Promise<void>;
    stop(): void;
    isRunning(): boolean;
    close(): void;
    isClosed(): boolean;
    setExceptionHandler(handler: ExceptionHandler | null): void;
    getExceptionHandler(): ExceptionHandler | null;
    callExceptionHandler(context: ExceptionContext): void;
    defaultExceptionHandler(context: ExceptionContext): void;
    setDebug(on: boolean): void;
    getDebug(): boolean;
    addSignalHandler(signal: NodeJS.Signals, cb: () => void): void;
    removeSignalHandler(signal: NodeJS.Signals): boolean;
    addShutdownHook(hook: () => PromiseLike<void>): () => void;
    protected isStopped(): boolean;
    protected reportCallback(exception: unknown): void;
}
export declare function timelineOf(loop: EventLoop): object;
export declare function newEventLoop(options?: {
    clock?: Clock;
}): EventLoop;
export declare function allTasks(loop?: EventLoop): Set<Task>;

// dist/loop/ready-queue.d.ts
export interface Runnable {
}
export interface Schedule {
    pick(size: number): number;
    ran(entry: Runnable): void;
}
export declare class ReadyQueue {
    #private;
    constructor(schedule?: Schedule | null);
    get size(): number;
    push(entry: Runnable): void;
    shift(): Runnable | undefined;
    drop(): void;
    clear(): void;
}

// dist/loop/scheduler.d.ts
import type { AsyncResource } from 'node:async_hooks';
import { type Clock } from './clock.ts';
export declare abstract class Scheduler {
    #private;
    protected abstract readonly outside: AsyncResource;
    protected get clock(): Clock;
    protected abstract isStopped(): boolean;
    protected abstract reportCallback(exception: unknown): void;
    protected clear(): void;
}

// dist/loop/signal-handlers.d.ts
export declare class SignalHandlers {
    #private;
    add(signal: NodeJS.Signals, listener: () => void): void;
    remove(signal: NodeJS.Signals): boolean;
    clear(): void;
}

// dist/loop/timer-heap.d.ts
import type { Runnable } from './ready-queue.ts';
export interface TimerEntry extends Runnable {
}
export declare class TimerHeap {
    #private;
    nextDeadline(): number | null;
    isFirst(entry: TimerEntry): boolean;
    list(): readonly TimerEntry[];
    holds(entry: TimerEntry): boolean;
    deadlineOf(entry: TimerEntry): number | null;
    push(entry: TimerEntry, deadline: number): void;
    remove(entry: TimerEntry): void;
    takeDue(now: number): TimerEntry | null;
    clear(): void;
}

// dist/loop/timers.d.ts
import { type Clock } from './clock.ts';
import { type TimerEntry } from './timer-heap.ts';
export declare class Timers {
    #private;
    constructor(clock: Clock, ring: () => void, isIdle: () => boolean);
    get clock(): Clock;
    add(entry: TimerEntry, deadline: number): boolean;
    remove(entry: TimerEntry): void;
    list(): TimerEntry[];
    deadlineOf(entry: TimerEntry): number | null;
    takeDue(take: (entry: TimerEntry) => void): void;
    clear(): void;
}

// dist/loop/unhandled-rejections.d.ts
type Taker = (error: unknown) => boolean;
export declare function watchRejections(user: unknown): void;
export declare function unwatchRejections(user: unknown): void;
export declare function takeRejections(taker: Taker): () => void;
export {};

// dist/lowlevel.d.ts
export { Claim } from './futures/claim.ts';
export { abortError, cancelOnAbort, onAbort } from './futures/on-abort.ts';
export { completed } from './futures/future.ts';
export { checkBody, checkCancelMessage, checkCount, checkDelay, checkDuration, checkFlag, checkOptions, checkSignal, describe, isIterable, isThenable, } from './arguments.ts';
export { startAtCaller } from './errors/caller-stack.ts';
export { timelineOf } from './loop/loop.ts';
export { LinkedList, type Linked } from './linked-list.ts';
export { growingDelay, type GrowingDelays } from './growing-delay.ts';
export { afterDelay } from './loop/after-delay.ts';
export { hasFailed, observe } from './futures/observe.ts';
export { whenLostUnseen } from './futures/unretrieved.ts';
export { currentFrame } from './context/current.ts';
export { Frame } from './tasks/frame.ts';
export { abandon } from './tasks/abandon.ts';
export { bodyWaitsFor } from './tasks/body-waits-for.ts';
export { runInNewFrame } from './scopes/open-frame.ts';
export { cancelIsDue, deferred } from './tasks/cancel-is-due.ts';
export { waitAnyway } from './scopes/wait-anyway.ts';
export { takeRejections } from './loop/unhandled-rejections.ts';
export { takeSignal } from './run/interrupt-signals.ts';
export { addSnapshotPart } from './snapshot/snapshot.ts';
export { idOf as taskId } from './snapshot/task-ids.ts';
export { durationText } from './futures/duration-text.ts';
export { printable } from './futures/printable.ts';
export { DetailedFuture } from './futures/detailed-future.ts';
export { ObservedFuture } from './futures/observed-future.ts';
export { detailsOf, type WaitDetails, waitDetails } from './futures/wait-details.ts';
export { LiveList } from './loop/live-list.ts';
export { type TraceEntry, type TraceOutcome, Tracing } from './tasks/tracing.ts';
export { createServiceTask } from './tasks/service-task.ts';
export { TaskTurn } from './tasks/task-turn.ts';

// dist/run/before-exit.d.ts
export interface Waiting {
    deadlocked(): void;
}
export declare function watchForDeadlock(run: Waiting): () => void;

// dist/run/interrupt-signals.d.ts
export interface Interruptible {
    interrupt(signal: NodeJS.Signals): boolean;
}
export declare function interruptOnSignals(main: Interruptible): () => void;
export declare function takeSignal(signal: NodeJS.Signals): () => void;

// dist/run/main-task.d.ts
import { DeadlockError } from '../errors/errors.ts';
import type { EventLoop } from '../loop/loop.ts';
import type { Waiting } from './before-exit.ts';
import type { Interruptible } from './interrupt-signals.ts';
import type { Task } from '../tasks/task.ts';
export declare class MainTask implements Interruptible, Waiting {
    #private;
    deadlock: DeadlockError | null;
    isGivenUp: boolean;
    constructor(task: Task);
    interrupt(signal: NodeJS.Signals): boolean;
    deadlocked(): void;
    explain(error: unknown): unknown;
}
export declare class Cleanup implements Waiting {
    #private;
    deadlock: DeadlockError | null;
    constructor(loop: EventLoop, waiting: string);
    deadlocked(): void;
}

// dist/run/run-main.d.ts
import type { Coroutine, CoroutineFunction } from '../tasks/coroutine.ts';
import { type RunnerOptions } from './runner.ts';
export declare function runMain(main: CoroutineFunction<[], unknown> | Coroutine<unknown>, options?: RunnerOptions & {
    signal?: AbortSignal;
}): Promise<void>;

// dist/run/run.d.ts
import type { Coroutine, CoroutineFunction } from '../tasks/coroutine.ts';
import { type RunnerOptions } from './runner.ts';
export declare function run<T>(main: CoroutineFunction<[], T> | Coroutine<T>, options?: RunnerOptions & {
    signal?: AbortSignal;
}): Promise<T>;

// dist/run/runner.d.ts
import { type Coroutine, type CoroutineFunction } from '../tasks/coroutine.ts';
import { EventLoop } from '../loop/loop.ts';
export interface RunnerOptions {
    debug?: boolean;
    loop?: EventLoop;
    handleSignals?: boolean;
}
export declare class Runner implements AsyncDisposable {
    #private;
    constructor(options?: RunnerOptions);
    getLoop(): EventLoop;
    run<T>(main: CoroutineFunction<[], T> | Coroutine<T>, options?: {
        signal?: AbortSignal;
    }): Promise<T>;
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}
export declare function checkMain(call: string, main: unknown): void;
export declare function checkRunnerOptions(options: RunnerOptions): void;

// dist/run/task-manager.d.ts
import { type Coroutine, type CoroutineFunction } from '../tasks/coroutine.ts';
import { type Task } from '../tasks/task.ts';
export interface ManagedTask {
    name: string;
    state: 'running' | 'done' | 'failed' | 'cancelled';
    startedAt: number;
    endedAt?: number;
    error?: unknown;
}
export declare class TaskManager implements AsyncDisposable {
    #private;
    constructor(options?: {
        onError?: (error: unknown, name: string) => void;
        maxTasks?: number;
    });
    create<T>(name: string, coro: CoroutineFunction<[], T> | Coroutine<T>): Task<T>;
    get(name: string): Task | undefined;
    cancel(name: string): Promise<boolean>;
    cancelAll(): Promise<void>;
    wait(): Promise<void>;
    list(): ManagedTask[];
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/scopes/cancel-scope.d.ts
import type { ScopeFrame } from '../tasks/scope-frame.ts';
export type ScopeResult<T> = {
    cancelled: false;
    value: T;
} | {
    cancelled: true;
    reason: unknown;
};
export interface CancelScopeOptions {
    timeout?: number;
    deadline?: number;
    signal?: AbortSignal;
    shield?: boolean;
    name?: string;
}
export declare class CancelScope {
    #private;
    readonly name: string | null;
    get reason(): unknown;
    get cancelCalled(): boolean;
    get cancelledCaught(): boolean;
    get signal(): AbortSignal;
    get deadline(): number;
    set deadline(deadline: number);
    get shield(): boolean;
    set shield(shield: boolean);
    cancel(reason?: unknown): void;
}
export declare function cancelScope<T>(body: (scope: CancelScope) => PromiseLike<T>, options?: CancelScopeOptions): Promise<ScopeResult<T>>;
export declare function runScope<T>(frame: ScopeFrame, body: (scope: CancelScope) => PromiseLike<T>, options: CancelScopeOptions): Promise<ScopeResult<T>>;

// dist/scopes/current-scope.d.ts
import { CancelScope } from './cancel-scope.ts';
export declare function currentScope(): CancelScope | null;
export declare function effectiveDeadline(): number;

// dist/scopes/deadline.d.ts
import type { EventLoop } from '../loop/loop.ts';
import type { TimerEntry } from '../loop/timer-heap.ts';
export declare class Deadline implements TimerEntry {
    #private;
    heapIndex: number;
    heapOrder: number;
    constructor(loop: EventLoop, when: number, onDeadline: () => void);
    cancel(): void;
    run(): void;
    label(): string;
}

// dist/scopes/fail-after.d.ts
import { type CancelScope, type ScopeResult } from './cancel-scope.ts';
export declare function failAfter<T>(ms: number, body: (scope: CancelScope) => PromiseLike<T>): Promise<T>;
export declare function moveOnAfter<T>(ms: number | null, body: (scope: CancelScope) => PromiseLike<T>): Promise<ScopeResult<T>>;

// dist/scopes/group-limit.d.ts
import type { EventLoop } from '../loop/loop.ts';
import { type Coroutine, type CoroutineFunction } from '../tasks/coroutine.ts';
export declare class GroupLimit {
    #private;
    constructor(limit: number, loop: EventLoop);
    bodyFor<T>(coro: CoroutineFunction<[], T> | Coroutine<T>): () => Promise<T>;
}

// dist/scopes/group-start.d.ts
import type { EventLoop } from '../loop/loop.ts';
import type { Task } from '../tasks/task.ts';
export declare class GroupStarts {
    #private;
    constructor(loop: EventLoop);
    start<T>(createTask: (body: () => PromiseLike<void>) => Task<void>, fn: (started: (value?: T) => void) => PromiseLike<void>): Promise<T>;
    takeFailureOf(task: Task): boolean;
}

// dist/scopes/open-frame.d.ts
import { type CancelledError } from '../errors/errors.ts';
import type { Frame } from '../tasks/frame.ts';
import { ScopeFrame } from '../tasks/scope-frame.ts';
import { type ScopeKind } from './scope-tracing.ts';
export declare function inFrame<T>(kind: ScopeKind, name: string | undefined, fn: (frame: ScopeFrame) => Promise<T>): Promise<T>;
export declare function runInNewFrame<T>(fn: () => T): T;
export declare function enterFrame<A, T>(frame: ScopeFrame, body: (argument: A) => PromiseLike<T>, argument: A): Promise<T>;
export declare function enterBody<A, T>(frame: ScopeFrame, body: (argument: A) => PromiseLike<T>, argument: A): Promise<T>;
export declare function endFrame(frame: ScopeFrame, cancelsBefore: number): Promise<CancelledError | null> | null;
export declare function throwEnd(frame: Frame, error: unknown, isCancel: boolean, interrupted: CancelledError | null): never;
export declare function throwOut(frame: Frame, error: unknown): never;

// dist/scopes/scope-tracing.d.ts
import type { Task } from '../tasks/task.ts';
import { Tracing } from '../tasks/tracing.ts';
export type ScopeKind = 'timeout' | 'scope' | 'group' | 'shield';
export interface ScopeMessage {
    readonly task: Task;
    readonly kind: ScopeKind;
    readonly name: string | null;
}
export declare const scopeTracing: Tracing<ScopeMessage>;
export declare function traceScope<T>(message: ScopeMessage, open: () => Promise<T>, isCancelled: () => boolean): Promise<T>;

// dist/scopes/shielded.d.ts
export declare function shielded<T>(body: () => PromiseLike<T>, options?: {
    grace?: number;
}): Promise<T>;

// dist/scopes/task-group.d.ts
import { Coroutine, type CoroutineFunction } from '../tasks/coroutine.ts';
import { type Task, type TaskOptions } from '../tasks/task.ts';
export interface TaskGroupOptions {
    limit?: number;
    name?: string;
}
export declare class TaskGroup {
    #private;
    readonly name: string | null;
    createTask<T>(coro: CoroutineFunction<[], T> | Coroutine<T>, options?: Omit<TaskOptions, 'loop'>): Task<T>;
    start<T = void>(fn: (started: (value?: T) => void) => PromiseLike<void>): Promise<T>;
    cancel(reason?: unknown): void;
}
export declare function taskGroup<T>(body: (group: TaskGroup) => PromiseLike<T>, options?: TaskGroupOptions): Promise<T>;

// dist/scopes/timeout.d.ts
import { type Awaitable } from '../tasks/coroutine.ts';
export declare class Timeout {
    #private;
    when(): number | null;
    reschedule(deadline: number | null): void;
    expired(): boolean;
}
export declare function timeout<T>(ms: number | null, body: (scope: Timeout) => PromiseLike<T>): Promise<T>;
export declare function timeoutAt<T>(when: number | null, body: (scope: Timeout) => PromiseLike<T>): Promise<T>;
export declare function waitFor<T>(aw: Awaitable<T>, ms: number | null): Promise<T>;

// dist/scopes/wait-anyway.d.ts
export declare function waitAnyway(wait: () => PromiseLike<unknown>): Promise<void>;

// dist/snapshot/explain-deadlock.d.ts
import type { EventLoop } from '../loop/loop.ts';
import type { Task } from '../tasks/task.ts';
export declare function explainDeadlock(what: string, tasks: readonly Task[], loop: EventLoop): string;

// dist/snapshot/expose-to-tools.d.ts
export declare function exposeSnapshotToTools(): void;

// dist/snapshot/snapshot.d.ts
import type { Future } from '../futures/future.ts';
import type { ScopeKind } from '../scopes/scope-tracing.ts';
import type { Frame } from '../tasks/frame.ts';
import type { Task } from '../tasks/task.ts';
export interface WaitSnapshot {
    kind: string;
    label: string;
    note?: string;
    task?: number;
    at?: string;
    stack?: readonly string[];
}
export interface ScopeSnapshot {
    kind: ScopeKind;
    name?: string;
    deadline?: number;
}
export interface TaskSnapshot {
    id: number;
    name: string;
    state: 'created' | 'running' | 'waiting' | 'ready' | 'done';
    parent: number | null;
    waitingOn: WaitSnapshot[];
    age: number;
    cancelling: number;
    scope?: string;
    deadline?: number;
    scopes?: ScopeSnapshot[];
    group?: number;
}
export interface LoopSnapshot {
    time: number;
    turns: number;
    tasks: TaskSnapshot[];
}
export interface RuntimeSnapshot {
    time: number;
    running: {
        task: number | null;
        stack: string[];
    };
    loops: LoopSnapshot[];
    [part: string]: unknown;
}
export declare function addSnapshotPart(name: string, fn: () => unknown): () => void;
export declare function snapshot(options?: {
    stacks?: boolean;
}): RuntimeSnapshot;
export declare function eachFrame(task: Task, visit: (frame: Frame) => void): void;
export declare function isOver(future: Future<unknown>): boolean;
export declare function tasksAwaitedBy(task: Task): Task[];
export declare function scopeOf(frame: Frame): ScopeSnapshot | null;

// dist/snapshot/task-ids.d.ts
import type { Task } from '../tasks/task.ts';
export declare function idOf(task: Task): number;
export declare function findTask(idOrName: number | string): Task | null;

// dist/snapshot/why.d.ts
import { Task } from '../tasks/task.ts';
export declare function why(task: Task): string;

// dist/tasks/abandon.d.ts
import { Task } from './task.ts';
export declare function abandon(task: Task): void;

// dist/tasks/abort-signal.d.ts
import type { CancelledError } from '../errors/errors.ts';
export declare function abortSignal(controller: AbortController, reason: CancelledError, onTaken: () => void): boolean;

// dist/tasks/body-waits-for.d.ts
import type { Future } from '../futures/future.ts';
import type { Task } from './task.ts';
export declare function bodyWaitsFor(task: Task, future: Future<unknown>, end?: Promise<unknown> | null): Promise<boolean>;

// dist/tasks/cancel-and-wait.d.ts
import type { Future } from '../futures/future.ts';
export declare function cancelAndWait(future: Future<unknown>): Promise<void>;
export declare function cancelAll(futures: Iterable<Future<unknown>>): boolean;
export declare function untilAllEnded(futures: readonly Future<unknown>[], isCircle?: boolean): Promise<void>;

// dist/tasks/cancel-is-due.d.ts
import { Future } from '../futures/future.ts';
export declare function cancelIsDue(): boolean;
export declare function deferred<T>(operation: () => Future<T>): Future<T>;

// dist/tasks/cancel-rest.d.ts
import type { Reaction } from '../futures/reaction.ts';
import type { Frame } from './frame.ts';
export declare function hasReached(frame: Frame, key: Reaction): boolean;
export declare function cancelRest(frame: Frame): boolean;
export declare function cancelLeftWaits(frame: Frame): void;
export declare function noteOuterCancel(frame: Frame, due: Frame): void;

// dist/tasks/cancellation.d.ts
import { type CancelledError } from '../errors/errors.ts';
import type { Future } from '../futures/future.ts';
import type { Reaction } from '../futures/reaction.ts';
import type { Frame } from './frame.ts';
export declare class Cancellation {
    #private;
    count: number;
    wasAsked: boolean;
    isBeingPassedOn: boolean;
    isSeen: boolean;
    message: string | CancelledError | undefined;
    cancelledFuture: Future<unknown> | null;
    remembered: string | CancelledError | undefined;
    isFromProcess: boolean;
    onQuiet: (() => void) | null;
    isScopeCancelled: boolean;
    scopeCancelReason: unknown;
    constructor(frame: Frame);
    static isAnyOpen(): boolean;
    get pending(): boolean;
    set pending(isPending: boolean);
    get isPendingFromElsewhere(): boolean;
    get signal(): AbortSignal;
    abort(message: string | CancelledError | undefined, pendingIn: Cancellation | null): boolean;
    begin(isFromInside: boolean): void;
    beginScopeCancel(reason: unknown): void;
    endScopeCancel(): void;
    get isCleaningUp(): boolean;
    get isDue(): boolean;
    takeDue(): boolean;
    get isFromInside(): boolean;
    again(): void;
    takeBack(): void;
    takeForNewWait(): boolean;
    pendThisTurn(): void;
    endTaking(): void;
    noteWaitCancelled(key: Reaction, began: number): void;
    noteWaitOwed(key: Reaction, message: string | CancelledError | undefined): void;
    noteLearnt(): void;
    beginLearningTurn(): void;
    beginCleanUpTurn(): boolean;
    takeOwedWait(key: Reaction): boolean;
    isDueAt(key: Reaction): boolean;
    noteThrownNow(began: number): void;
    takeCancelledWait(key: Reaction): boolean;
    takeCleanUpWait(key: Reaction): boolean;
    noteWaitBegun(key: Reaction): void;
    hasReached(key: Reaction): boolean;
    beginTurn(): void;
    notePromiseMade(promise: Promise<unknown>): void;
    get isThrowing(): boolean;
    confirm(): void;
    endTurn(canSeePromises: boolean): boolean;
    becameQuiet(): void;
    get isCancelled(): boolean;
    get hasAborted(): boolean;
}

// dist/tasks/chain-wait.d.ts
import { type CancelledError } from '../errors/errors.ts';
import type { Reject, Resolve } from '../futures/awaiter.ts';
import { DetailedFuture } from '../futures/detailed-future.ts';
import type { Future } from '../futures/future.ts';
export declare class ChainWait extends DetailedFuture<unknown> {
    #private;
    constructor(future: Future<unknown>, settled: (end: Resolve, fail: Reject) => unknown);
    get source(): Future<unknown>;
    describeWait(): string;
    cancel(message?: string | CancelledError): boolean;
}

// dist/tasks/channels.d.ts
import { type Channel } from 'node:diagnostics_channel';
import type { Task } from './task.ts';
import { Tracing } from './tracing.ts';
export interface TaskMessage {
    readonly task: Task;
}
export declare const taskCreate: Channel;
export declare const taskStart: Channel;
export declare const taskEnd: Channel;
export declare const taskCancel: Channel;
export interface TaskTrace extends TaskMessage {
    readonly isService: boolean;
}
export declare const taskTracing: Tracing<TaskTrace>;
export declare const serviceTasks: WeakSet<Task>;

// dist/tasks/coroutine.d.ts
import type { Future } from '../futures/future.ts';
export type CoroutineGenerator<T> = Generator<Future<unknown>, T>;
export type CoroutineFunction<A extends unknown[], T> = (...args: A) => PromiseLike<T> | CoroutineGenerator<T>;
export type Awaitable<T> = Future<T> | Coroutine<T> | PromiseLike<T> | CoroutineFunction<[], T>;
export declare class Coroutine<T> implements PromiseLike<T> {
    #private;
    readonly name: string;
    close(): void;
    then<R = T, E = never>(onFulfilled?: ((value: T) => R | PromiseLike<R>) | null, onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<R | E>;
    [Symbol.iterator](): CoroutineGenerator<T>;
}
export declare function runInline<T>(awaitable: Awaitable<T>): Promise<T>;
export declare function toYielded(yielded: unknown): PromiseLike<unknown>;
export declare function isGenerator<T>(x: unknown): x is CoroutineGenerator<T>;
export declare function claimGenerator(generator: object): void;
export declare function coroutine<A extends unknown[], T>(fn: CoroutineFunction<A, T>): (...args: A) => Coroutine<T>;
export declare function isCoroutine(x: unknown): x is Coroutine<unknown> | CoroutineGenerator<unknown>;
export declare function isAsyncFunction(fn: (...args: never[]) => unknown): boolean;
export declare function isCoroutineFunction(x: unknown): x is CoroutineFunction<unknown[], unknown>;

// dist/tasks/deliver-cancel.d.ts
import { type CancelledError } from '../errors/errors.ts';
import { Future } from '../futures/future.ts';
import type { Reaction } from '../futures/reaction.ts';
import type { Frame } from './frame.ts';
export declare function beginWait(frame: Frame, reaction: Reaction, future: Future<unknown>): void;
export declare function deliverPending(frame: Frame, outer: Frame): void;
export declare function deliverMissed(frame: Frame): void;
export declare function deliverAfterShield(frame: Frame): void;
export declare function resumeWait(frame: Frame, key: Reaction, future: Future<unknown>): CancelledError | null;
export declare function deliverWith(frame: Frame): void;
export declare function mustRefuse(frame: Frame): boolean;
export declare function refuse(frame: Frame, future: Future<unknown>): Future<never>;
export declare function awaitAnyway(frame: Frame, future: Future<void>): Promise<void>;

// dist/tasks/ensure-future.d.ts
import { type Awaitable } from './coroutine.ts';
import { Future } from '../futures/future.ts';
import type { EventLoop } from '../loop/loop.ts';
export declare function ensureFuture<T>(awaitable: Awaitable<T>, options?: {
    loop?: EventLoop;
}): Future<T>;
export declare function checkAwaitable(x: unknown): void;

// dist/tasks/execution.d.ts
import { Context } from '../context/context-vars.ts';
import type { EventLoop } from '../loop/loop.ts';
import { Coroutine, type CoroutineFunction, type CoroutineGenerator } from './coroutine.ts';
import { Frame } from './frame.ts';
import type { Task } from './task.ts';
export type TaskBody<T> = CoroutineFunction<[], T> | Coroutine<T> | CoroutineGenerator<T>;
export declare class Execution extends Frame {
    #private;
    readonly task: Task;
    readonly loop: EventLoop;
    readonly id: number;
    readonly born: number;
    constructor(task: Task, loop: EventLoop, group: Frame | null, body: TaskBody<unknown>, context: Context | null);
    get body(): TaskBody<unknown> | null;
    get bodyEnd(): Promise<void> | null;
    get started(): boolean;
    contextVars(): Context;
    label(): string;
    run(): void;
    begin(): void;
    finish(value: unknown): void;
    crash(error: unknown): void;
    cancelFromProcess(): void;
    abandon(): void;
    link(): void;
    unlink(): void;
    get parent(): Frame | null;
}

// dist/tasks/follower.d.ts
import type { Future } from '../futures/future.ts';
import type { Execution } from './execution.ts';
export declare function follow(execution: Execution, future: Future<unknown>): void;

// dist/tasks/format-task-tree.d.ts
import type { EventLoop } from '../loop/loop.ts';
export declare function formatTaskTree(options?: {
    loop?: EventLoop;
}): string;

// dist/tasks/frame-end.d.ts
import type { Reaction } from '../futures/reaction.ts';
import type { Frame } from './frame.ts';
export declare function afterGroupTask(group: Frame): void;
export declare function beginCleanup(frame: Frame): void;
export declare function endCleanup(frame: Frame): void;
export declare function afterWait(frame: Frame, waiting: Frame, key: Reaction): void;
export declare function hasWaits(frame: Frame): boolean;
export declare function close(frame: Frame): void;

// dist/tasks/frame-state.d.ts
export declare const CREATED = -1;
export declare const OPEN = 0;
export declare const ENDED = 1;
export declare const CLOSING = 2;
export declare const CLEANING = 3;
export declare const ABANDONED = 4;
export type FrameState = typeof CREATED | typeof OPEN | typeof ENDED | typeof CLOSING | typeof CLEANING | typeof ABANDONED;

// dist/tasks/frame-tree.d.ts
import type { Frame } from './frame.ts';
export declare function framesOf(frame: Frame): Frame[];
export declare function unshieldedFramesOf(frame: Frame, onShield: (shield: Frame) => void): Frame[];
export declare function attach(frame: Frame): void;
export declare function detach(frame: Frame): void;

// dist/tasks/frame-waits.d.ts
import { Future } from '../futures/future.ts';
import type { Reaction } from '../futures/reaction.ts';
import type { Frame } from './frame.ts';
import type { Task } from './task.ts';
export declare abstract class FrameWaits implements Reaction {
    #private;
    readonly task: Task | null;
    readonly enclosing: Frame | null;
    get parent(): Frame | null;
}
export declare class Interruption extends Future<never> {
}

// dist/tasks/frame.d.ts
import type { Context } from '../context/context-vars.ts';
import { type CancelledError } from '../errors/errors.ts';
import type { Future } from '../futures/future.ts';
import type { Reaction } from '../futures/reaction.ts';
import type { EventLoop } from '../loop/loop.ts';
import { FrameWaits } from './frame-waits.ts';
export declare abstract class Frame extends FrameWaits {
    isLevelCancelled(): boolean;
    isOwnAbort(error: unknown): boolean;
    mustRefuse(): boolean;
    refuse(future: Future<unknown>): Future<never>;
    begunWait(reaction: Reaction, future: Future<unknown>): void;
    resume(key: Reaction, future: Future<unknown>): CancelledError | null;
}
export declare class LoopFrame extends Frame {
    #private;
    readonly loop: EventLoop;
    constructor(loop: EventLoop, context: () => Context);
    contextVars(): Context;
}

// dist/tasks/generator-driver.d.ts
import { type CoroutineGenerator } from './coroutine.ts';
import type { Reaction } from '../futures/reaction.ts';
import type { Execution } from './execution.ts';
export declare class GeneratorDriver<T> implements Reaction {
    #private;
    readonly waitingFrame: Execution;
    constructor(execution: Execution, generator: CoroutineGenerator<T>);
    start(): void;
    label(): string;
    run(): void;
}

// dist/tasks/level-cancel.d.ts
import type { Future } from '../futures/future.ts';
import type { Reaction } from '../futures/reaction.ts';
import type { Frame } from './frame.ts';
import type { ScopeFrame } from './scope-frame.ts';
export declare function findCancelledScope(frame: Frame | null): Frame | null;
export declare function cancelScopeOf(frame: Frame, reason: unknown): void;
export declare function cancelInside(inside: Frame, frame: Frame): void;
export declare function cancelNewWait(frame: Frame, reaction: Reaction, future: Future<unknown>, cancelledScope: Frame): void;
export declare function deliverKeptOut(frame: ScopeFrame): void;

// dist/tasks/promise-hook.d.ts
export declare const canSeePromises: boolean;
export declare function promiseEvents(): number;
export declare function isUnsettled(promise: Promise<unknown>): boolean;
export declare function watchPromises(): void;
export declare function callNotingPromises<A, T>(fn: (argument: A) => T, argument: A): {
    returned: T;
    isOwn: boolean;
};

// dist/tasks/propagate-cancel.d.ts
import type { CancelledError } from '../errors/errors.ts';
import type { Future } from '../futures/future.ts';
import type { Reaction } from '../futures/reaction.ts';
import { Cancellation } from './cancellation.ts';
import type { Frame } from './frame.ts';
type Message = string | CancelledError | undefined;
export declare function cancelFrame(first: Frame, msg: Message): boolean;
export declare function cancelWaits(frame: Frame, msg: Message, cancellation: Cancellation): boolean;
export declare function noteCancel(cancellation: Cancellation, isAccepted: boolean, key: Reaction, began: number, msg: Message): void;
export declare function cancelWait(frame: Frame, wait: Future<unknown>, msg: Message): boolean;
export declare function cancelChild(child: Future<unknown>, msg: Message): boolean;
export declare function endOtherWork(frame: Frame, msg: Message, cancellation: Cancellation): boolean;
export {};

// dist/tasks/scope-frame.d.ts
import { type Environment } from '../context/async-context.ts';
import type { Context } from '../context/context-vars.ts';
import { type CancelledError } from '../errors/errors.ts';
import type { EventLoop } from '../loop/loop.ts';
import { Frame } from './frame.ts';
import type { Task } from './task.ts';
export declare class ScopeFrame extends Frame {
    #private;
    constructor(outer: Environment, enclosing: Frame);
    get loop(): EventLoop;
    get isShielded(): boolean;
    get members(): Iterable<Task>;
    noteMembersCancelled(): void;
    cancelKeptOut(): void;
    abandonReturned(message: string | CancelledError | undefined): boolean;
    link(): void;
    unlink(): void;
    contextVars(): Context;
    noteCancelFromOutside(): void;
}

// dist/tasks/service-task.d.ts
import type { TaskBody } from './execution.ts';
import { type Task, type TaskOptions } from './task.ts';
export declare function createServiceTask<T>(coro: TaskBody<T>, options?: TaskOptions): Task<T>;

// dist/tasks/task-turn.d.ts
import type { Runnable } from '../loop/ready-queue.ts';
export declare class TaskTurn implements Runnable {
    #private;
    isQueued: boolean;
    constructor(work: () => boolean);
    push(): void;
    pushAfterIO(): void;
}

// dist/tasks/task.d.ts
import { Context } from '../context/context-vars.ts';
import { CancelledError } from '../errors/errors.ts';
import { Future } from '../futures/future.ts';
import type { EventLoop } from '../loop/loop.ts';
import { type TaskBody } from './execution.ts';
import type { Frame } from './frame.ts';
export declare const passedBodies: WeakMap<object, TaskBody<unknown>>;
export interface TaskOptions {
    name?: string | undefined;
    context?: Context | undefined;
    eager?: boolean | undefined;
    loop?: EventLoop | undefined;
    signal?: AbortSignal | undefined;
}
export declare class Task<T = unknown> extends Future<T> implements AsyncDisposable {
    #private;
    get name(): string;
    set name(name: string);
    get parent(): Task | null;
    get waitingOn(): ReadonlySet<Future<unknown>>;
    get started(): boolean;
    get signal(): AbortSignal;
    setResult(_value: T): void;
    setException(_error: unknown): void;
    cancel(msg?: string | CancelledError): boolean;
    cancelling(): number;
    uncancel(): number;
    getCoro(): TaskBody<T> | null;
    getContext(): Context;
    [Symbol.asyncDispose](): Promise<void>;
}
export declare function createTask<T>(coro: TaskBody<T>, options?: TaskOptions): Task<T>;
export declare function createTaskIn<T>(group: Frame | null, coro: TaskBody<T>, options?: TaskOptions): Task<T>;
export declare function checkTaskBody(coro: unknown): void;
export declare function taskSignal(): AbortSignal;

// dist/tasks/tracing.d.ts
import type { Future } from '../futures/future.ts';
export interface TraceOutcome {
    result?: unknown;
    error?: unknown;
    cancelled?: boolean;
}
export interface TraceEntry {
    enter?: <T>(begin: () => T) => T;
}
export declare class Tracing<M extends object> {
    #private;
    constructor(name: string);
    get isOn(): boolean;
    get isLive(): boolean;
    run<T>(key: object, message: M & TraceEntry, begin: () => T): T;
    settle(key: object, outcome: TraceOutcome): void;
}
export declare function outcomeOf(future: Future<unknown>): TraceOutcome;

// dist/tasks/trail.d.ts
export declare function leaveTrail(): void;
export declare class Trail {
    #private;
    begin(onEnd: () => void): void;
    drop(): void;
    get isStray(): boolean;
}

// dist/testing.d.ts
export { explore, ScheduleError } from './testing/explore.ts';
export { LeakError, type LeakWatch, watchLeaks } from './testing/leaks.ts';
export { runVirtual } from './testing/run-virtual.ts';
export { VirtualClock } from './testing/virtual-clock.ts';

// dist/testing/explore.d.ts
export declare class ScheduleError extends Error {
    readonly name: string;
    readonly code: string;
    readonly seed: number;
    readonly trace: readonly string[];
    constructor(seed: number, cause: unknown, trace: readonly string[]);
}
export declare function explore(program: () => PromiseLike<void>, options?: {
    seeds?: number;
    seed?: number;
}): Promise<{
    schedules: number;
}>;

// dist/testing/leaks.d.ts
export declare class LeakError extends Error {
    readonly name: string;
    readonly code: string;
    readonly leaks: readonly string[];
    constructor(leaks: readonly string[]);
}
export interface LeakWatch {
    find(): string[];
    check(): Promise<void>;
}
export declare function watchLeaks(): LeakWatch;

// dist/testing/run-virtual.d.ts
import type { Coroutine, CoroutineFunction } from '../tasks/coroutine.ts';
import type { Schedule } from '../loop/ready-queue.ts';
import { VirtualClock } from './virtual-clock.ts';
export declare function runVirtual<T>(main: CoroutineFunction<[], T> | Coroutine<T>, options?: {
    seed?: number;
    start?: number;
}): Promise<T>;
export declare function runOnVirtualLoop<T>(main: CoroutineFunction<[], T> | Coroutine<T>, clock: VirtualClock, schedule: Schedule | null): Promise<T>;

// dist/testing/schedule.d.ts
import type { Runnable, Schedule } from '../loop/ready-queue.ts';
export declare class SeededSchedule implements Schedule {
    #private;
    readonly trace: string[];
    constructor(seed: number);
    pick(size: number): number;
    ran(entry: Runnable): void;
}
export declare function checkSeed(seed: unknown): void;

// dist/testing/virtual-clock.d.ts
import { type Clock } from '../loop/clock.ts';
export declare class VirtualClock implements Clock {
    #private;
    readonly virtual: boolean;
    constructor(options?: {
        start?: number;
    });
    now(): number;
    setAlarm(deadline: number | null, wake: () => void, isIdle: () => boolean): void;
    yieldToIO(resume: () => void): void;
    stop(): void;
}

// dist/vitest.d.ts
import { type TestAPI, type TestContext, type TestOptions } from 'vitest';
export type VirtualBody = (context: TestContext) => PromiseLike<unknown>;
export interface VirtualOptions extends TestOptions {
    seed?: number;
    start?: number;
    leaks?: false;
}
export interface ExploreOptions extends TestOptions {
    seeds?: number;
    seed?: number;
    leaks?: false;
}
export interface AddTest<Options> {
    (name: string, body: VirtualBody): void;
    (name: string, options: Options, body: VirtualBody): void;
}
export interface TestKind<Options> extends AddTest<Options> {
    only: AddTest<Options>;
    skip: AddTest<Options>;
}
export interface It extends TestAPI<{
    tasktreeLeaks: void;
}> {
    virtual: TestKind<VirtualOptions>;
    explore: TestKind<ExploreOptions>;
}
export declare const it: It;
export declare function checkLeaks(): void;
