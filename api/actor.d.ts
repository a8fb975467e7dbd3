// dist/actors/actor-child.d.ts
import type { Context, Future } from '@tasktree/core';
import { Child, type Owner } from '../children/child.ts';
import type { ActorSpec } from '../children/child-spec.ts';
import { type ExitReason } from '../exit-reason.ts';
import { AskFuture, type AskOptions } from '../messages/ask.ts';
import { Envelope } from '../messages/envelope.ts';
import { Admission, Mailbox } from '../messages/mailbox.ts';
import type { MessageKind } from '../messages/message-kind.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { ActorIncarnation } from './actor-incarnation.ts';
import { LocalActorRef } from './local-actor-ref.ts';
export declare class ActorChild extends Child {
    #private;
    readonly kind: 'actor';
    spec: ActorSpec;
    incarnation: ActorIncarnation | null;
    readonly mailbox: Mailbox;
    draining: boolean;
    pendingAsks: number;
    constructor(spec: ActorSpec, owner: Owner, runtime: Runtime);
    childWithId(id: string): Child | null;
    protected makeRef(): LocalActorRef;
    protected makeIncarnation(number: number): ActorIncarnation;
    tell(kind: MessageKind, args: readonly unknown[], pinned?: number, context?: Context | null): Future<boolean>;
    ask(kind: MessageKind, args: readonly unknown[], options: AskOptions | undefined, pinned?: number): AskFuture;
    push(envelope: Envelope): void;
    putBack(envelopes: readonly Envelope[]): void;
    withdraw(envelope: Envelope): void;
    admitSenders(): void;
    enter(admission: Admission): void;
    giveUpRoom(): void;
    drain(): Future<ExitReason>;
    refuseAsks(reason: ExitReason): void;
    dropMailbox(): void;
    exited(incarnation: ActorIncarnation, reason: ExitReason): void;
    close(reason: ExitReason): void;
    kill(): Future<ExitReason>;
}

// dist/actors/actor-context.d.ts
import { type Awaitable } from '@tasktree/core';
import type { Actor, ActorClass } from './actor.ts';
import { LocalActorRef } from './local-actor-ref.ts';
import type { Asks, SelfRef, Tells } from './message-types.ts';
import type { AskOptions } from '../messages/ask.ts';
import type { ReplyPort } from '../messages/deferred-replies.ts';
import { ChildRef } from '../children/child-ref.ts';
import { type Rest, type SupervisorOptions } from '../children/child-spec.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Monitor } from './monitor.ts';
import type { SpawnOptions } from './spawn.ts';
import type { SupervisorRef } from '../supervision/supervisor-ref.ts';
import type { ActorTimer, TimerOptions } from './timers.ts';
export declare class ActorContext<Self extends Actor = Actor> {
    #private;
    get name(): string;
    get path(): string;
    get self(): SelfRef<Self>;
    get parent(): ChildRef | null;
    get incarnation(): number;
    get signal(): AbortSignal;
    get idempotencyKey(): string | null;
    get log(): Logger;
    get trapExit(): boolean;
    set trapExit(on: boolean);
    spawn<A extends Actor, P extends unknown[]>(actorClass: ActorClass<A, P>, ...rest: Rest<P, SpawnOptions>): Promise<LocalActorRef<A>>;
    lookup<A extends Actor>(actorClass: abstract new (...args: never[]) => A, pathOrName: string): LocalActorRef<A> | null;
    lookup<R extends ChildRef>(refClass: abstract new (...args: never[]) => R, pathOrName: string): R | null;
    lookup(pathOrName: string): ChildRef | null;
    supervise(options: SupervisorOptions & {
        name?: string;
    }): Promise<SupervisorRef>;
    monitor(ref: ChildRef): Monitor;
    demonitor(monitor: Monitor, options?: {
        flush?: boolean;
    }): void;
    link(ref: LocalActorRef<never> | LocalActorRef): void;
    stop(): void;
    ignore(): never;
    pipe<T>(awaitable: Awaitable<T>, map: (value: T) => unknown, onError?: (error: unknown) => unknown): void;
    after(ms: number, tick: () => unknown, options?: TimerOptions): ActorTimer;
    every(ms: number, tick: () => unknown, options?: TimerOptions): ActorTimer;
    stash(): void;
    unstashAll(): void;
    become(behaviour: Record<string, (...args: never[]) => unknown> | null): void;
    reply<T>(): ReplyPort<T>;
    healthy(): void;
    tell<A extends Actor>(ref: LocalActorRef<A>): Tells<A>;
    ask<A extends Actor>(ref: LocalActorRef<A>, options?: AskOptions): Asks<A>;
}

// dist/actors/actor-incarnation.d.ts
import { type Task } from '@tasktree/core';
import { Incarnation } from '../children/incarnation.ts';
import type { UnsupervisedChildren } from '../children/unsupervised-children.ts';
import { type ExitReason } from '../exit-reason.ts';
import type { Envelope } from '../messages/envelope.ts';
import { type HandlerFlow } from '../messages/handler-flow.ts';
import { type Actor, type Hooks } from './actor.ts';
import type { ActorChild } from './actor-child.ts';
import { MessageLoop } from './message-loop.ts';
import { IncarnationParts } from './incarnation-parts.ts';
import { type SysRequest } from './sys-requests.ts';
export declare class ActorIncarnation extends Incarnation {
    #private;
    readonly child: ActorChild;
    task: Task<void>;
    readonly messageLoop: MessageLoop;
    revoked: boolean;
    trapExit: boolean;
    constructor(child: ActorChild, number: number);
    get endReason(): ExitReason | null;
    get actor(): Actor | null;
    get busyFlow(): HandlerFlow | null;
    hooks(): Hooks | null;
    get parts(): IncarnationParts;
    get ownChildren(): UnsupervisedChildren | null;
    get stashed(): number;
    protected begin(): void;
    isDrained(): boolean;
    hasWork(): boolean;
    get hasRequests(): boolean;
    get isWaiting(): boolean;
    wake(): void;
    resume(): void;
    crash(envelope: Envelope, cause: unknown): void;
    forgetStashed(envelope: Envelope): void;
    end(reason: ExitReason): void;
    request(request: SysRequest): void;
    serveRequests(): void;
    finish(reason: ExitReason): void;
    interrupt(reason: ExitReason): void;
    kill(): void;
    ignore(): never;
}

// dist/actors/actor-ref.d.ts
import type { Future } from '@tasktree/core';
import type { ExitReason } from '../exit-reason.ts';
import type { Ask, Tell } from './message-types.ts';
export interface ActorRef<A> {
    readonly ask: Ask<A>;
    readonly tell: Tell<A>;
    readonly path: string;
    readonly whenStopped: Future<ExitReason>;
}

// dist/actors/actor.d.ts
import type { ActorContext } from './actor-context.ts';
import type { ExitReason } from '../exit-reason.ts';
import type { Message } from '../messages/envelope.ts';
import type { Down } from './monitor.ts';
export declare function constructWith<A>(context: ActorContext, make: () => A): A;
export declare abstract class Actor {
    static readonly interleave: readonly string[];
    static readonly hidden: readonly string[];
    protected readonly ctx: ActorContext<this>;
    constructor();
    protected onStart?(): PromiseLike<void> | void;
    protected onStop?(reason: ExitReason): PromiseLike<void> | void;
    protected onDown?(down: Down): PromiseLike<void> | void;
    protected onUndelivered?(messages: readonly Message[]): PromiseLike<void> | void;
}
export interface Hooks {
    onStart?(): unknown;
    onStop?(reason: ExitReason): unknown;
    onDown?(down: Down): unknown;
    onUndelivered?(messages: readonly Message[]): unknown;
}
export type ActorClass<A extends Actor, P extends unknown[]> = new (...args: P) => A;

// dist/actors/handler-errors.d.ts
import type { Envelope } from '../messages/envelope.ts';
import type { HandlerFlow } from '../messages/handler-flow.ts';
import type { ActorChild } from './actor-child.ts';
import type { ActorIncarnation } from './actor-incarnation.ts';
export declare function answerThrown(incarnation: ActorIncarnation, flow: HandlerFlow, thrown: unknown): {
    readonly error: unknown;
} | null;
export declare function reportResumed(child: ActorChild, envelope: Envelope, error: unknown): void;
export declare function reportLateCrash(child: ActorChild, envelope: Envelope, error: unknown): void;

// dist/actors/handlers-beside.d.ts
import type { Envelope } from '../messages/envelope.ts';
import { HandlerFlow } from '../messages/handler-flow.ts';
import type { ActorIncarnation } from './actor-incarnation.ts';
import type { MessageLoop } from './message-loop.ts';
export declare class HandlersBeside {
    #private;
    constructor(incarnation: ActorIncarnation, messageLoop: MessageLoop);
    get size(): number;
    flowOf(envelope: Envelope): HandlerFlow | null;
    handle(envelope: Envelope): void;
    cancelAll(): void;
    ended(): Promise<void>;
    abandon(): HandlerFlow[];
}

// dist/actors/hook-caller.d.ts
import { HandlerFlow } from '../messages/handler-flow.ts';
import type { Hooks } from './actor.ts';
import type { ActorIncarnation } from './actor-incarnation.ts';
export declare class HookCaller {
    #private;
    flow: HandlerFlow | null;
    constructor(incarnation: ActorIncarnation);
    call(name: 'onStart' | 'onStop', call: (hooks: Hooks) => unknown): Promise<void>;
    abandon(): {
        readonly name: string;
        readonly promise: PromiseLike<unknown>;
    } | null;
}

// dist/actors/incarnation-parts.d.ts
import { UnsupervisedChildren } from '../children/unsupervised-children.ts';
import type { ExitReason } from '../exit-reason.ts';
import type { Envelope } from '../messages/envelope.ts';
import type { ActorIncarnation } from './actor-incarnation.ts';
import { StashAndReplies } from './stash-and-replies.ts';
import { Pipes } from './pipes.ts';
import { MonitorsAndLinks } from './monitors-and-links.ts';
import { ActorTimers } from './timers.ts';
export declare class IncarnationParts {
    #private;
    constructor(incarnation: ActorIncarnation);
    get ownChildren(): UnsupervisedChildren | null;
    get stashed(): number;
    get unanswered(): number;
    children(): UnsupervisedChildren;
    timers(): ActorTimers;
    monitorsAndLinks(): MonitorsAndLinks;
    pipes(): Pipes;
    stashAndReplies(): StashAndReplies;
    forgetStashed(envelope: Envelope): void;
    failPorts(reason: ExitReason): void;
    release(): void;
    end(): void;
    breakLinks(reason: ExitReason): void;
}

// dist/actors/linked-pair.d.ts
import type { Incarnation } from '../children/incarnation.ts';
import { type ExitReason } from '../exit-reason.ts';
import type { ActorIncarnation } from './actor-incarnation.ts';
export declare class Link {
    #private;
    constructor(one: ActorIncarnation, other: ActorIncarnation);
    broken(incarnation: Incarnation, reason: ExitReason): void;
}

// dist/actors/local-actor-ref.d.ts
import type { Future } from '@tasktree/core';
import type { Actor } from './actor.ts';
import type { ActorRef } from './actor-ref.ts';
import type { Ask, Tell } from './message-types.ts';
import { ChildRef } from '../children/child-ref.ts';
import type { ExitReason } from '../exit-reason.ts';
export declare class LocalActorRef<A extends Actor = Actor> extends ChildRef implements ActorRef<A> {
    #private;
    get ask(): Ask<A>;
    get tell(): Tell<A>;
    get incarnation(): number;
    drain(): Future<ExitReason>;
    pinned(): LocalActorRef<A>;
}

// dist/actors/message-loop.d.ts
import { type Behaviour } from '../messages/call-handler.ts';
import { type Envelope, type Message } from '../messages/envelope.ts';
import { HandlerFlow, type RunningHandler } from '../messages/handler-flow.ts';
import type { ActorIncarnation } from './actor-incarnation.ts';
export interface TraceEvent {
    readonly message: Message;
    readonly ms: number;
    readonly error?: unknown;
}
export declare class MessageLoop implements RunningHandler {
    #private;
    readonly incarnation: ActorIncarnation;
    handled: number;
    suspended: boolean;
    behaviour: Behaviour | null;
    trace: ((event: TraceEvent) => void) | null;
    unenteredFlow: HandlerFlow | null;
    constructor(incarnation: ActorIncarnation);
    hasWork(): boolean;
    isNextPlain(): boolean;
    get isBusy(): boolean;
    get main(): HandlerFlow | null;
    get flow(): HandlerFlow;
    get isWaiting(): boolean;
    flowOf(envelope: Envelope): HandlerFlow | null;
    get besideCount(): number;
    runBurst(onlyPlain?: boolean): Promise<void> | null;
    call(flow: HandlerFlow): unknown;
    answer(envelope: Envelope, flow: HandlerFlow | null, result: unknown): void;
    mayServe(envelope: Envelope): boolean;
    serveBeside(envelope: Envelope): boolean;
    cancelBeside(): void;
    besideEnded(): Promise<void>;
    threwBeside(flow: HandlerFlow, crash: {
        readonly error: unknown;
    } | null): void;
    failAsks(makeError: () => Error): void;
    abandon(): AbandonedHandler[];
}
export interface AbandonedHandler {
    readonly type: string;
    readonly sinceMs: number;
    readonly promise: PromiseLike<unknown>;
}

// dist/actors/message-types.d.ts
import type { Context, Future } from '@tasktree/core';
import type { AskOptions } from '../messages/ask.ts';
import type { ReplyPort } from '../messages/deferred-replies.ts';
import type { Actor } from './actor.ts';
import type { LocalActorRef } from './local-actor-ref.ts';
type Hook = 'onStart' | 'onStop' | 'onDown' | 'onUndelivered' | 'ctx';
type IsSame<X, Y> = (<T>() => T extends X ? 1 : 2) extends <T>() => (T extends Y ? 1 : 2) ? true : false;
type IsReadonly<A, K extends keyof A> = IsSame<Pick<A, K>, Readonly<Pick<A, K>>>;
type IsMessage<A, K extends keyof A> = K extends Hook ? false : A[K] extends (...args: never[]) => unknown ? IsReadonly<A, K> extends true ? false : true : false;
export type MessageName<A> = {
    [K in keyof A]-?: IsMessage<A, K> extends true ? K : never;
}[keyof A];
export type Reply<R> = Awaited<R> extends ReplyPort<infer T> ? T : Awaited<R>;
type AskOf<F> = F extends {
    (...args: infer P1): infer R1;
    (...args: infer P2): infer R2;
    (...args: infer P3): infer R3;
    (...args: infer P4): infer R4;
} ? IsSame<[P1, R1], [P4, R4]> extends true ? (...args: P1) => Future<Reply<R1>> : ((...args: P1) => Future<Reply<R1>>) & ((...args: P2) => Future<Reply<R2>>) & ((...args: P3) => Future<Reply<R3>>) & ((...args: P4) => Future<Reply<R4>>) : never;
type TellOf<F> = F extends {
    (...args: infer P1): unknown;
    (...args: infer P2): unknown;
    (...args: infer P3): unknown;
    (...args: infer P4): unknown;
} ? (...args: P1 | P2 | P3 | P4) => Future<boolean> : never;
export type Asks<A> = {
    readonly [K in MessageName<A>]: AskOf<A[K]>;
};
export type Tells<A> = {
    readonly [K in MessageName<A>]: TellOf<A[K]>;
};
export type Ask<A> = Asks<A> & ((options: AskOptions) => Asks<A>);
export interface TellOptions {
    confirm?: boolean | undefined;
    context?: Context | undefined;
}
export type Tell<A> = Tells<A> & ((options: TellOptions) => Tells<A>);
type SelfAsks<A> = {
    readonly [K in keyof A]: K extends Hook ? never : AskOf<A[K]>;
};
type SelfTells<A> = {
    readonly [K in keyof A]: K extends Hook ? never : TellOf<A[K]>;
};
export type SelfRef<A extends Actor> = SelfSends<A> & LocalActorRef<A>;
interface SelfSends<A extends Actor> {
    readonly ask: SelfAsks<A> & ((options: AskOptions) => SelfAsks<A>);
    readonly tell: SelfTells<A> & ((options: TellOptions) => SelfTells<A>);
    pinned(): SelfRef<A>;
}
export {};

// dist/actors/monitor.d.ts
import type { ChildRef } from '../children/child-ref.ts';
import type { ExitReason } from '../exit-reason.ts';
export interface Down {
    readonly monitor: Monitor;
    readonly ref: ChildRef;
    readonly reason: ExitReason;
    readonly restarted: boolean;
    readonly link: boolean;
}
export declare class Monitor {
    #private;
    readonly ref: ChildRef;
    readonly pinned: boolean;
}

// dist/actors/monitors-and-links.d.ts
import type { ActorIncarnation } from './actor-incarnation.ts';
import type { ChildRef } from '../children/child-ref.ts';
import { type ExitReason } from '../exit-reason.ts';
import type { LocalActorRef } from './local-actor-ref.ts';
import { type Down, Monitor } from './monitor.ts';
export declare class MonitorsAndLinks {
    #private;
    constructor(incarnation: ActorIncarnation);
    monitor(ref: ChildRef): Monitor;
    forgetMonitor(monitor: Monitor): void;
    demonitor(monitor: Monitor, flush: boolean): void;
    deliver(down: Down): void;
    link(ref: LocalActorRef<never> | LocalActorRef): void;
    deliverLinkEnd(ref: ChildRef, reason: ExitReason): void;
    forgetLink(other: ActorIncarnation): void;
    endMonitors(): void;
    breakLinks(reason: ExitReason): void;
}

// dist/actors/persistent-cancel.d.ts
import type { Task } from '@tasktree/core';
export declare class PersistentCancel {
    #private;
    constructor(task: Task, isOver: () => boolean);
}

// dist/actors/pinned-messages.d.ts
import type { ExitReason } from '../exit-reason.ts';
import type { Envelope } from '../messages/envelope.ts';
import type { ActorChild } from './actor-child.ts';
export declare class PinnedMessages {
    #private;
    constructor(child: ActorChild);
    add(envelope: Envelope, incarnation: number): void;
    isLate(envelope: Envelope): boolean;
    incarnationEnded(reason: ExitReason): void;
    incarnationBegins(): void;
}

// dist/actors/pipes.d.ts
import type { Future } from '@tasktree/core';
import { type Envelope } from '../messages/envelope.ts';
export declare class Pipes {
    #private;
    constructor(push: (envelope: Envelope) => void);
    add<T>(future: Future<T>, map: (value: T) => unknown, onError: ((error: unknown) => unknown) | undefined): void;
    cancelAll(): void;
}

// dist/actors/short-handlers.d.ts
import { TaskTurn } from '@tasktree/core/lowlevel';
import type { ActorIncarnation } from './actor-incarnation.ts';
export declare class ShortHandlers {
    #private;
    readonly turn: TaskTurn;
    constructor(incarnation: ActorIncarnation);
    get hasBurst(): boolean;
    takeBurst(): Promise<void> | null;
    canHandleNext(): boolean;
}

// dist/actors/slow-handler.d.ts
import type { Envelope } from '../messages/envelope.ts';
import type { ActorChild } from './actor-child.ts';
export declare function reportSlow(child: ActorChild, envelope: Envelope, ms: number): void;

// dist/actors/spawn.d.ts
import type { Actor, ActorClass } from './actor.ts';
import type { LocalActorRef } from './local-actor-ref.ts';
import { type Rest } from '../children/child-spec.ts';
import type { MailboxOptions } from '../messages/mailbox.ts';
export interface SpawnOptions {
    name?: string;
    mailbox?: MailboxOptions;
}
export declare function spawn<A extends Actor, P extends unknown[]>(actorClass: ActorClass<A, P>, ...rest: Rest<P, SpawnOptions>): Promise<LocalActorRef<A>>;

// dist/actors/stash-and-replies.d.ts
import type { Envelope } from '../messages/envelope.ts';
import { OpenPorts, ReplyPort } from '../messages/deferred-replies.ts';
import type { ExitReason } from '../exit-reason.ts';
import type { ActorIncarnation } from './actor-incarnation.ts';
export declare class StashAndReplies {
    #private;
    readonly ports: OpenPorts;
    constructor(incarnation: ActorIncarnation);
    get stashed(): number;
    stash(): void;
    unstashAll(): void;
    forgetStashed(envelope: Envelope): void;
    takeReply(): ReplyPort;
    failPorts(reason: ExitReason): void;
}

// dist/actors/sys-requests.d.ts
export interface SysRequest {
    perform(): void;
    drop(error: Error): void;
}
export declare class SysRequests {
    #private;
    get isEmpty(): boolean;
    add(request: SysRequest): void;
    performAll(): void;
    dropAll(makeError: () => Error): void;
}

// dist/actors/sys.d.ts
import { Future } from '@tasktree/core';
import type { Actor } from './actor.ts';
import { LocalActorRef } from './local-actor-ref.ts';
import type { TraceEvent } from './message-loop.ts';
export type { TraceEvent } from './message-loop.ts';
export interface ActorStatistics {
    readonly incarnation: number;
    readonly restarts: number;
    readonly handled: number;
    readonly mailbox: number;
    readonly stashed: number;
    readonly suspended: boolean;
}
type AnyRef = LocalActorRef<never> | LocalActorRef;
export declare const sys: {
    getState<A extends Actor>(ref: LocalActorRef<A>): Future<A>;
    replaceState<A extends Actor>(ref: LocalActorRef<A>, change: (actor: A) => void): Future<void>;
    suspend(ref: AnyRef): Future<void>;
    resume(ref: AnyRef): Future<void>;
    trace(ref: AnyRef, listener: ((event: TraceEvent) => void) | null): void;
    statistics(ref: AnyRef): ActorStatistics;
};

// dist/actors/timers.d.ts
import type { ActorChild } from './actor-child.ts';
export interface TimerOptions {
    key?: string;
    mode?: 'fixed-delay' | 'fixed-rate';
}
export declare class ActorTimer implements Disposable {
    #private;
    readonly key: string | null;
    get active(): boolean;
    cancel(): void;
    [Symbol.dispose](): void;
}
export declare class ActorTimers {
    #private;
    constructor(child: ActorChild);
    start(delay: number, tick: () => unknown, repeat: boolean, options: TimerOptions | undefined): ActorTimer;
    forget(timer: ActorTimer): void;
    cancelAll(): void;
}

// dist/actors/undelivered.d.ts
import type { Message } from '../messages/envelope.ts';
import type { Hooks } from './actor.ts';
import type { ActorChild } from './actor-child.ts';
export declare function tellUndelivered(child: ActorChild, hooks: Hooks | null, messages: readonly Message[]): void;

// dist/children/abandonable-task.d.ts
import { type CoroutineFunction, type EventLoop, type Task } from '@tasktree/core';
export declare class AbandonableTask<T> {
    #private;
    readonly task: Task<T>;
    constructor(name: string, loop: EventLoop, body: CoroutineFunction<[], T>);
    cancel(message?: string): void;
    abandon(): PromiseLike<unknown> | null;
    failure(): {
        readonly error: unknown;
    } | null;
    cancellation(): Error;
}

// dist/children/abandonable-wait.d.ts
export declare const abandoned: unique symbol;
export declare class AbandonableWait implements PromiseLike<unknown> {
    #private;
    begin(promise: PromiseLike<unknown>): this;
    then<R, E>(onFulfilled?: ((value: unknown) => R | PromiseLike<R>) | null, onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): PromiseLike<R | E>;
    end(): void;
    abandon(): PromiseLike<unknown> | null;
}
export declare function inTask(promise: PromiseLike<unknown>): PromiseLike<unknown>;

// dist/children/backoff.d.ts
export interface BackoffOptions {
    min: number;
    max: number;
    factor?: number;
    jitter?: number;
    resetAfter?: number;
    maxAttempts?: number;
}
export declare function delayBefore(options: BackoffOptions, restarts: number): number;
export declare function checkBackoff(options: BackoffOptions, maxRestarts: number, within: number): void;

// dist/children/check-spec.d.ts
import type { BaseSpec, ChildOptions, ChildSpec, SupervisorOptions } from './child-spec.ts';
export declare function checkNumber(field: string, value: unknown, low: number, integer: boolean): void;
export declare function baseSpec(id: string, options: ChildOptions, budget: number, own: string[]): BaseSpec;
export declare function checkSupervisorObject(options: unknown): void;
export declare function checkSupervisor(options: SupervisorOptions): void;
export declare function checkChildren(children: readonly ChildSpec[], autoShutdown: SupervisorOptions['autoShutdown']): void;
export declare function checkSpec(spec: ChildSpec, autoShutdown: SupervisorOptions['autoShutdown']): void;

// dist/children/child-kinds.d.ts
import type { ChildSpec } from './child-spec.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { ChildKind, Owner, Child } from './child.ts';
type Maker = (spec: ChildSpec, owner: Owner, runtime: Runtime) => Child;
export declare function registerKind(kind: ChildKind, maker: Maker): void;
export declare function makeChild(spec: ChildSpec, owner: Owner, runtime: Runtime): Child;
export {};

// dist/children/child-ref.d.ts
import type { Future } from '@tasktree/core';
import type { ExitReason } from '../exit-reason.ts';
import type { ChildKind, ChildStatus } from './child.ts';
export declare class ChildRef {
    get id(): string;
    get path(): string;
    get name(): string;
    get kind(): ChildKind;
    get incarnation(): number;
    get status(): ChildStatus;
    stop(detail?: unknown, options?: {
        timeout?: number;
    }): Future<ExitReason>;
    kill(): Future<ExitReason>;
    get whenStopped(): Future<ExitReason>;
}

// dist/children/child-spec.d.ts
import type { CoroutineFunction } from '@tasktree/core';
import type { Actor, ActorClass } from '../actors/actor.ts';
import type { BackoffOptions } from './backoff.ts';
import { type MailboxOptions } from '../messages/mailbox.ts';
import type { Decision } from './incarnation.ts';
import type { SpawnOptions } from '../actors/spawn.ts';
export type RestartType = 'permanent' | 'transient' | 'temporary';
export interface ChildOptions {
    restart?: RestartType;
    shutdown?: number | 'kill';
    significant?: boolean;
    startTimeout?: number;
    stickyStop?: boolean;
    decide?: (error: unknown) => Decision;
    onZombie?: 'proceed' | 'escalate';
}
export interface ActorOptions extends ChildOptions {
    mailbox?: MailboxOptions;
}
export interface ResourceOptions<R> extends ChildOptions {
    ended?: (resource: R) => PromiseLike<unknown>;
}
export interface DynamicOptions extends Omit<SupervisorOptions, 'children' | 'strategy'> {
    maxChildren?: number;
    template?: (...args: never[]) => ChildSpec;
}
export interface SupervisorOptions {
    strategy?: 'one-for-one' | 'one-for-all' | 'rest-for-one';
    maxRestarts?: number;
    within?: number;
    perChild?: boolean;
    backoff?: BackoffOptions;
    autoShutdown?: 'never' | 'any' | 'all';
    stopMode?: 'ordered' | 'parallel';
    children?: readonly ChildSpec[] | (() => readonly ChildSpec[] | 'ignore');
}
export interface BaseSpec {
    readonly id: string;
    readonly restart: RestartType;
    readonly shutdown: number | 'kill';
    readonly significant: boolean;
    readonly startTimeout?: number | undefined;
    readonly stickyStop: boolean;
    readonly decide?: ((error: unknown) => Decision) | undefined;
    readonly onZombie: 'proceed' | 'escalate';
}
export interface ActorSpec<A extends Actor = Actor> extends BaseSpec {
    readonly kind: 'actor';
    readonly actorClass: ActorClass<A, never[]>;
    readonly args: readonly unknown[] | (() => readonly unknown[]);
    readonly mailbox?: MailboxOptions | undefined;
}
export interface TaskSpec extends BaseSpec {
    readonly kind: 'task';
    readonly coroutine: CoroutineFunction<[], unknown>;
}
export interface SupervisorSpec extends BaseSpec {
    readonly kind: 'supervisor';
    readonly options: SupervisorOptions;
}
export interface ResourceSpec<R = unknown> extends BaseSpec {
    readonly kind: 'resource';
    readonly make: () => R | PromiseLike<R>;
    readonly ended?: ((resource: never) => PromiseLike<unknown>) | undefined;
}
export interface DynamicSpec extends BaseSpec {
    readonly kind: 'dynamic';
    readonly options: DynamicOptions;
}
export type ChildSpec = ActorSpec | TaskSpec | SupervisorSpec | ResourceSpec | DynamicSpec;
export type Args<P extends unknown[]> = P | (() => P);
export type Rest<P extends unknown[], O> = [] extends P ? [args?: Args<P>, options?: O] : [args: Args<P>, options?: O];
export declare const child: {
    actor<A extends Actor, P extends unknown[]>(id: string, actorClass: ActorClass<A, P>, ...rest: Rest<P, ActorOptions>): ActorSpec<A>;
    task(id: string, coroutine: CoroutineFunction<[], unknown>, options?: ChildOptions): TaskSpec;
    supervisor(id: string, supervisor: SupervisorOptions, options?: ChildOptions): SupervisorSpec;
    resource<R extends AsyncDisposable | Disposable>(id: string, make: () => R | PromiseLike<R>, options?: ResourceOptions<R>): ResourceSpec<R>;
    dynamic(id: string, dynamic?: DynamicOptions, options?: ChildOptions): DynamicSpec;
};
export declare function spawnedSpec<A extends Actor, P extends unknown[]>(actorClass: ActorClass<A, P>, [args, options]: Rest<P, SpawnOptions>, makeName: (className: string) => string): ActorSpec<A>;

// dist/children/child.d.ts
import { Future } from '@tasktree/core';
import type { ChildSpec } from './child-spec.ts';
import type { ChildRef } from './child-ref.ts';
import { type ExitReason } from '../exit-reason.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Monitor } from '../actors/monitor.ts';
import { type Incarnation } from './incarnation.ts';
export type ChildKind = 'actor' | 'task' | 'supervisor' | 'resource' | 'dynamic';
export type ChildStatus = 'starting' | 'running' | 'suspended' | 'stopping' | 'restarting' | 'stopped';
export interface Owner {
    readonly path: string;
    readonly ownRef: ChildRef | null;
    endRestart(child: Child, reason: ExitReason): void;
    childExited(child: Child, incarnation: Incarnation, reason: ExitReason): void;
}
export declare abstract class Child {
    #private;
    abstract readonly kind: ChildKind;
    spec: ChildSpec;
    owner: Owner;
    readonly runtime: Runtime;
    readonly path: string;
    status: ChildStatus;
    incarnation: Incarnation | null;
    number: number;
    restarts: number;
    closing: boolean;
    closed: boolean;
    lastExit: ExitReason | null;
    returning: boolean;
    consecutiveRestarts: number;
    startedAt: number;
    stopRequested: boolean;
    constructor(spec: ChildSpec, owner: Owner, runtime: Runtime);
    get id(): string;
    childWithId(_id: string): Child | null;
    protected abstract makeRef(): ChildRef;
    protected abstract makeIncarnation(number: number): Incarnation;
    get ref(): ChildRef;
    launch(): Promise<'running' | 'ignored'>;
    healthy(): void;
    running(): void;
    exited(incarnation: Incarnation, reason: ExitReason): void;
    undoLater(ref: ChildRef, undo: () => void): () => void;
    close(reason: ExitReason): void;
    whenStopped(pinned: number): Future<ExitReason>;
    watch(monitor: Monitor): void;
    unwatch(monitor: Monitor): void;
    stop(detail: unknown, options: {
        timeout?: number;
    } | undefined): Future<ExitReason>;
    kill(): Future<ExitReason>;
    refuseAsks(_reason: ExitReason): void;
}

// dist/children/crash-report.d.ts
import { type ExitReason } from '../exit-reason.ts';
import type { Child } from './child.ts';
import type { Incarnation } from './incarnation.ts';
export declare function describeEnd(incarnation: Incarnation | null, reason: ExitReason): string;
export declare function reportEnd(child: Child, incarnation: Incarnation, reason: ExitReason, outcome: string): void;

// dist/children/end-waits.d.ts
import { type CancelledError, Future } from '@tasktree/core';
import { AskCycle } from '../errors.ts';
import type { ExitReason } from '../exit-reason.ts';
import { type HandlerFlow } from '../messages/handler-flow.ts';
import type { ActorWait } from '../messages/wait-graph.ts';
import type { Child } from './child.ts';
export declare class EndWait extends Future<ExitReason> implements ActorWait {
    #private;
    readonly asker: HandlerFlow | null;
    waitNumber: number;
    constructor(child: Child, waits: EndWaits);
    blocker(): HandlerFlow | null;
    refuse(error: AskCycle): void;
    cancel(msg?: string | CancelledError): boolean;
    then<R = ExitReason, E = never>(onFulfilled?: ((value: ExitReason) => R | PromiseLike<R>) | null, onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<R | E>;
}
export declare class EndWaits {
    #private;
    add(child: Child): EndWait;
    read(child: Child): EndWait;
    delete(wait: EndWait): void;
    settle(reason: ExitReason): void;
}

// dist/children/incarnation.d.ts
import { type CancelledError, type EventLoop, Future, type Task } from '@tasktree/core';
import type { AskCycle } from '../errors.ts';
import { type ExitReason } from '../exit-reason.ts';
import { type HandlerFlow } from '../messages/handler-flow.ts';
import type { ActorWait, BlockedWait, Waiter } from '../messages/wait-graph.ts';
import type { Child } from './child.ts';
import { type EndWait } from './end-waits.ts';
export type Decision = 'restart' | 'resume' | 'stop' | 'escalate';
export declare class Starting extends Future<'running' | 'ignored'> implements ActorWait {
    #private;
    readonly asker: HandlerFlow | null;
    readonly waitNumber = 0;
    constructor(loop: EventLoop, incarnation: Incarnation);
    blocker(): Waiter | null;
    refuse(error: AskCycle): void;
    cancel(msg?: string | CancelledError): boolean;
    came(outcome: 'running' | 'ignored'): void;
    failed(error: unknown): void;
}
export declare class PatientWait extends Future<ExitReason> implements BlockedWait {
    #private;
    constructor(incarnation: Incarnation, onCancel: () => boolean);
    blocker(): Waiter | null;
    cancel(): boolean;
}
export declare abstract class Incarnation {
    #private;
    readonly child: Child;
    readonly number: number;
    over: boolean;
    crashedIn: string | null;
    decision: Decision | null;
    constructor(child: Child, number: number);
    get started(): boolean;
    launch(): Starting;
    abstract readonly task: Task | null;
    protected abstract begin(): void;
    abstract finish(reason: ExitReason): void;
    abstract interrupt(reason: ExitReason): void;
    abstract kill(): void;
    protected decide(error: unknown): Decision | null;
    limitStart(timeout: number): void;
    abortStart(error: unknown): void;
    stopBy(reason: ExitReason, deadline: number): void;
    killAt(deadline: number): void;
    get deadline(): number;
    protected cameUp(): void;
    protected failedToStart(error: unknown): void;
    protected ignored(): void;
    protected ended(reason: ExitReason): void;
    whenOver(): EndWait;
    readEnd(): EndWait;
    whenOverAtLast(wait: PatientWait): PatientWait;
    get busyFlow(): HandlerFlow | null;
    reportShutdownError(reason: ExitReason): void;
}
export declare function budgetOf(child: Child): number;

// dist/children/lookup.d.ts
import type { Runtime } from '../runtime/runtime.ts';
import type { Child } from './child.ts';
import type { ChildRef } from './child-ref.ts';
export type LookupClass = abstract new (...args: never[]) => unknown;
export type LookupArguments = [expected: LookupClass, pathOrName: string] | [pathOrName: string];
export declare function lookup(runtime: Runtime, args: LookupArguments): ChildRef | null;
export declare function descend(from: Child | null, parts: readonly string[]): Child | null;
export declare function checkClass(ref: ChildRef | null, expected: LookupClass): ChildRef | null;

// dist/children/resource.d.ts
import { ChildRef } from './child-ref.ts';
import type { ResourceSpec } from './child-spec.ts';
import { type ExitReason } from '../exit-reason.ts';
import { Incarnation } from './incarnation.ts';
import { Child } from './child.ts';
export declare class ResourceRef<R = unknown> extends ChildRef {
    get value(): R;
}
export declare class ResourceChild extends Child {
    readonly kind: 'resource';
    spec: ResourceSpec;
    incarnation: ResourceIncarnation | null;
    protected makeRef(): ResourceRef;
    protected makeIncarnation(number: number): ResourceIncarnation;
}
export declare class ResourceIncarnation extends Incarnation {
    #private;
    readonly child: ResourceChild;
    readonly task: null;
    resource: unknown;
    protected begin(): void;
    finish(reason: ExitReason): void;
    interrupt(reason: ExitReason): void;
    kill(): void;
}

// dist/children/restart-decision.d.ts
import { type ExitReason } from '../exit-reason.ts';
import type { Child } from './child.ts';
import type { Decision } from './incarnation.ts';
export declare function restartsAfter(child: Child, reason: ExitReason, decision?: Decision | null): boolean;

// dist/children/task-child.d.ts
import { type Task } from '@tasktree/core';
import { ChildRef } from './child-ref.ts';
import type { TaskSpec } from './child-spec.ts';
import { type ExitReason } from '../exit-reason.ts';
import { Incarnation } from './incarnation.ts';
import { Child } from './child.ts';
export declare class TaskChild extends Child {
    readonly kind: 'task';
    spec: TaskSpec;
    incarnation: TaskIncarnation | null;
    protected makeRef(): ChildRef;
    protected makeIncarnation(number: number): TaskIncarnation;
}
export declare class TaskIncarnation extends Incarnation {
    #private;
    readonly child: TaskChild;
    get task(): Task;
    protected begin(): void;
    finish(reason: ExitReason): void;
    interrupt(reason: ExitReason): void;
    kill(): void;
}

// dist/children/unsupervised-children.d.ts
import type { ChildRef } from './child-ref.ts';
import type { ChildSpec } from './child-spec.ts';
import { type ExitReason } from '../exit-reason.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type Incarnation } from './incarnation.ts';
import type { Owner, Child } from './child.ts';
export declare class UnsupervisedChildren implements Owner {
    #private;
    readonly path: string;
    readonly ownRef: ChildRef | null;
    constructor(path: string, ownRef: ChildRef | null, runtime: Runtime);
    get children(): Child[];
    find(id: string): Child | null;
    start(spec: ChildSpec): Promise<Child | null>;
    childExited(child: Child, incarnation: Incarnation, reason: ExitReason): void;
    endRestart(): void;
    close(): void;
    stopAll(deadline: number): Promise<void>;
    killAll(): void;
}

// dist/children/zombie.d.ts
import type { Incarnation } from './incarnation.ts';
export declare function reportZombie(incarnation: Incarnation, message: string, sinceMs: number, promise: PromiseLike<unknown>): void;

// dist/errors.d.ts
import type { ExitReason } from './exit-reason.ts';
export declare class NoProc extends Error {
    readonly name: string;
    readonly code: string;
    readonly path: string;
    constructor(path: string);
}
export declare class ActorStopped extends Error {
    readonly name: string;
    readonly code: string;
    readonly path: string;
    readonly reason: ExitReason;
    readonly delivered: boolean;
    constructor(path: string, reason: ExitReason, delivered: boolean, options?: ErrorOptions);
}
export declare class ActorCrashed extends ActorStopped {
    readonly name: string;
    readonly code: string;
    constructor(path: string, cause: unknown);
}
export declare class ActorRestarting extends Error {
    readonly name: string;
    readonly code: string;
    readonly path: string;
    readonly delivered: boolean;
    constructor(path: string);
}
export declare class AskTimeout extends Error {
    readonly name: string;
    readonly code: string;
    readonly path: string;
    readonly method: string;
    readonly timeout: number;
    readonly delivered: 'unknown';
    constructor(path: string, method: string, timeout: number);
}
export declare class AskCycle extends Error {
    readonly name: string;
    readonly code: string;
    readonly path: readonly string[];
    constructor(path: readonly string[], options?: {
        cause?: unknown;
        message?: string;
    });
}
export declare class MailboxFull extends Error {
    readonly name: string;
    readonly code: string;
    readonly path: string;
    readonly capacity: number;
    constructor(path: string, capacity: number);
}
export declare class StashFull extends Error {
    readonly name: string;
    readonly code: string;
    readonly path: string;
    readonly capacity: number;
    constructor(path: string, capacity: number);
}
export declare class RestartLimitError extends Error {
    readonly name: string;
    readonly code: string;
    readonly child: string;
    readonly restarts: number;
    constructor(child: string, restarts: number, cause: unknown);
}
export declare class FailedToStart extends Error {
    readonly name: string;
    readonly code: string;
    readonly childId: string;
    constructor(childId: string, cause: unknown);
}
export declare class AlreadyStarted extends Error {
    readonly name: string;
    readonly code: string;
    readonly ref: unknown;
    constructor(id: string, ref: unknown);
}
export declare class AlreadyPresent extends Error {
    readonly name: string;
    readonly code: string;
    readonly childId: string;
    constructor(id: string);
}
export declare class ChildStateError extends Error {
    readonly name: string;
    readonly code: string;
    readonly childId: string;
    readonly state: 'running' | 'restarting' | 'not-found';
    constructor(id: string, state: 'running' | 'restarting' | 'not-found', call: string);
}
export declare class TooManyChildren extends Error {
    readonly name: string;
    readonly code: string;
    readonly path: string;
    readonly maxChildren: number;
    constructor(path: string, maxChildren: number);
}
export declare class SupervisorStopping extends Error {
    readonly name: string;
    readonly code: string;
    readonly path: string;
    constructor(path: string);
}
export declare class NameTaken extends Error {
    readonly name: string;
    readonly code: string;
    constructor(taken: string, by: string);
}
export declare function isAbort(error: unknown): error is Error;
export declare class UnexpectedCancellation extends Error {
    readonly name: string;
    readonly code: string;
    constructor(cause: unknown);
}
export declare class LinkDied extends Error {
    readonly name: string;
    readonly code: string;
    readonly ref: {
        readonly path: string;
    };
    readonly reason: ExitReason;
    constructor(ref: {
        readonly path: string;
    }, reason: ExitReason);
}
export declare class WorkerExit extends Error {
    readonly name: string;
    readonly code: number;
    constructor(code: number);
}
export declare class StaleIncarnation extends Error {
    readonly name: string;
    readonly code: string;
    readonly path: string;
    readonly incarnation: number;
    constructor(path: string, incarnation: number);
}
export declare class ReplyError extends Error {
    readonly name: string;
    readonly code: string;
}

// dist/exit-reason.d.ts
export type ExitReason = 
{
    readonly kind: 'normal';
}
 | {
    readonly kind: 'shutdown';
    readonly detail?: unknown;
}
 | {
    readonly kind: 'killed';
}
 | {
    readonly kind: 'error';
    readonly error: unknown;
}
 | {
    readonly kind: 'noproc';
};
export declare const normal: ExitReason;
export declare const shutdown: ExitReason;
export declare const killed: ExitReason;
export declare const noproc: ExitReason;
export declare function failure(error: unknown): ExitReason;
export declare function isAbnormal(reason: ExitReason): boolean;
export declare function formatReason(reason: ExitReason): string;
export declare function formatThrown(thrown: unknown): string;
export declare function tame(thrown: unknown): unknown;

// dist/index.d.ts
export { Actor, type ActorClass } from './actors/actor.ts';
export type { ActorRef } from './actors/actor-ref.ts';
export { LocalActorRef } from './actors/local-actor-ref.ts';
export type { Ask, Asks, MessageName, Reply, SelfRef, Tell, TellOptions, Tells, } from './actors/message-types.ts';
export type { AskOptions } from './messages/ask.ts';
export { deriveIdempotencyKey } from './messages/idempotency-key.ts';
export { ReplyPort } from './messages/deferred-replies.ts';
export type { BackoffOptions } from './children/backoff.ts';
export { ChildRef } from './children/child-ref.ts';
export { type ActorOptions, type ActorSpec, type Args, child, type ChildOptions, type ChildSpec, type DynamicOptions, type DynamicSpec, type ResourceOptions, type ResourceSpec, type Rest, type RestartType, type SupervisorOptions, type SupervisorSpec, type TaskSpec, } from './children/child-spec.ts';
export { ActorContext } from './actors/actor-context.ts';
export type { DeadLetters } from './messages/dead-letters.ts';
export { ActorCrashed, ActorRestarting, ActorStopped, AlreadyPresent, AlreadyStarted, AskCycle, AskTimeout, ChildStateError, FailedToStart, LinkDied, MailboxFull, NameTaken, NoProc, ReplyError, RestartLimitError, StaleIncarnation, StashFull, SupervisorStopping, TooManyChildren, UnexpectedCancellation, WorkerExit, } from './errors.ts';
export type { DeadLetter, DeadLetterReason, SystemEvent } from './runtime/events.ts';
export { type ExitReason, formatReason } from './exit-reason.ts';
export { consoleLogger, type Logger, silentLogger, type StructuredLogger, } from './runtime/logger.ts';
export type { MailboxOptions } from './messages/mailbox.ts';
export type { Message } from './messages/envelope.ts';
export type { Down, Monitor } from './actors/monitor.ts';
export type { Group, GroupEvent } from './runtime/registry.ts';
export { ResourceRef } from './children/resource.ts';
export type { Decision } from './children/incarnation.ts';
export type { ChildKind, ChildStatus } from './children/child.ts';
export { spawn, type SpawnOptions } from './actors/spawn.ts';
export { type ChildCounts, type ChildInfo, type RefOf, SupervisorRef, } from './supervision/supervisor-ref.ts';
export { type ActorStatistics, sys, type TraceEvent } from './actors/sys.ts';
export { ActorSystem, type ActorSystemOptions, type SystemSnapshot } from './system/system.ts';
export type { ActorTimer, TimerOptions } from './actors/timers.ts';
export type { NodeSnapshot } from './system/tree-snapshot.ts';

// dist/messages/ask-cycle.d.ts
import type { ActorChild } from '../actors/actor-child.ts';
import type { Envelope } from './envelope.ts';
import { HandlerFlow } from './handler-flow.ts';
import { type ActorWait } from './wait-graph.ts';
export declare function noteWait(wait: ActorWait, flow: HandlerFlow): void;
export declare function checkCycleLater(flow: HandlerFlow, isRetry?: boolean): void;
export declare function blockerOfMessage(target: ActorChild, envelope: Envelope): HandlerFlow | null;

// dist/messages/ask-deadlines.d.ts
import type { AskFuture } from './ask.ts';
export declare function watchDeadline(ask: AskFuture, timeout: number): void;

// dist/messages/ask.d.ts
import { type CancelledError, type Context, type EventLoop, Future } from '@tasktree/core';
import { type Linked, type LinkedList } from '@tasktree/core/lowlevel';
import type { ActorChild } from '../actors/actor-child.ts';
import { Envelope } from './envelope.ts';
import type { HandlerFlow } from './handler-flow.ts';
import type { MessageKind } from './message-kind.ts';
import type { ActorWait } from './wait-graph.ts';
export interface AskOptions {
    timeout?: number | undefined;
    signal?: AbortSignal | undefined;
    reentrant?: boolean | undefined;
    idempotencyKey?: string | undefined;
    context?: Context | undefined;
}
export declare function checkAskOptions(options: AskOptions): void;
export declare class AskFuture extends Future<unknown> implements ActorWait, Linked<AskFuture> {
    #private;
    readonly target: ActorChild;
    readonly envelope: Envelope;
    readonly asker: HandlerFlow | null;
    readonly reentrant: boolean;
    idempotencyKey: string | null;
    deadline: number;
    list: LinkedList<AskFuture> | null;
    nextInList: AskFuture | null;
    previousInList: AskFuture | null;
    disarm: ((ask: AskFuture) => void) | null;
    waitNumber: number;
    constructor(loop: EventLoop, target: ActorChild, kind: MessageKind, args: readonly unknown[], asker: HandlerFlow | null, reentrant: boolean);
    arm(options: AskOptions | undefined): void;
    reply(value: unknown): void;
    blocker(): HandlerFlow | null;
    refuse(error: unknown): void;
    replyError(error: unknown): void;
    expire(timeout: number): void;
    cancel(msg?: string | CancelledError): boolean;
    then<R = unknown, E = never>(onFulfilled?: ((value: unknown) => R | PromiseLike<R>) | null, onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<R | E>;
}

// dist/messages/call-chain.d.ts
import type { ActorIncarnation } from '../actors/actor-incarnation.ts';
import type { CallChain, Envelope } from './envelope.ts';
import type { HandlerFlow } from './handler-flow.ts';
export declare function chainFrom(flow: HandlerFlow): CallChain | null;
export declare function isReentrant(envelope: Envelope, incarnation: ActorIncarnation): boolean;

// dist/messages/call-handler.d.ts
import type { Actor } from '../actors/actor.ts';
import type { Envelope } from './envelope.ts';
export type Behaviour = Record<string, (...args: never[]) => unknown>;
export declare function callHandler(actor: Actor, behaviour: Behaviour | null, envelope: Envelope, path: string): unknown;

// dist/messages/callable-methods.d.ts
import type { Actor } from '../actors/actor.ts';
export type AnyActorClass = abstract new (...args: never[]) => Actor;
export declare function isRefused(name: string, hidden: ReadonlySet<string>): boolean;
export declare function methodsOf(actorClass: AnyActorClass): string[];

// dist/messages/check-context.d.ts
export declare function checkContext(context: unknown): void;

// dist/messages/dead-letters.d.ts
import { type Subscription } from '@tasktree/sync';
import type { DeadLetter } from '../runtime/events.ts';
export declare class DeadLetters {
    #private;
    get count(): number;
    get recent(): readonly DeadLetter[];
    subscribe(): Subscription<DeadLetter>;
}

// dist/messages/deferred-replies.d.ts
import type { LocalActorRef } from '../actors/local-actor-ref.ts';
import { ActorStopped } from '../errors.ts';
import type { ExitReason } from '../exit-reason.ts';
export declare class ReplyPort<T = unknown> {
    #private;
    get settled(): boolean;
    resolve(value: T): void;
    reject(error: unknown): void;
    handOver(to: LocalActorRef<never> | LocalActorRef): void;
}
export declare class OpenPorts {
    #private;
    constructor(onEmpty: () => void);
    get size(): number;
    keep(port: ReplyPort): void;
    forget(port: ReplyPort): void;
    failAll(error: unknown): void;
}
export declare function endedWhileHandling(path: string, reason: ExitReason): ActorStopped;

// dist/messages/envelope.d.ts
import type { Context } from '@tasktree/core';
import type { Linked, LinkedList } from '@tasktree/core/lowlevel';
import type { AskFuture } from './ask.ts';
import type { Admission } from './mailbox.ts';
import { MessageKind } from './message-kind.ts';
export interface CallChain {
    readonly ask: AskFuture;
    readonly up: CallChain | null;
}
export declare class Envelope implements Linked<Envelope> {
    list: LinkedList<Envelope> | null;
    nextInList: Envelope | null;
    previousInList: Envelope | null;
    readonly kind: MessageKind;
    readonly args: readonly unknown[];
    readonly ask: AskFuture | null;
    readonly action: (() => unknown) | null;
    context: Context | null;
    chain: CallChain | null;
    admission: Admission | null;
    constructor(kind: MessageKind, args: readonly unknown[], ask: AskFuture | null, action?: (() => unknown) | null);
    get type(): string;
}
export declare function internalEnvelope(name: string, action: () => unknown): Envelope;
export declare function internalKind(name: string): MessageKind;
export interface Message {
    readonly method: string;
    readonly args: readonly unknown[];
    readonly kind: 'ask' | 'tell' | 'internal';
}
export declare function asMessage(envelope: Envelope): Message;

// dist/messages/handler-flow.d.ts
import { type Task } from '@tasktree/core';
import type { ActorIncarnation } from '../actors/actor-incarnation.ts';
import type { Envelope } from './envelope.ts';
import type { ReplyPort } from './deferred-replies.ts';
export declare class HandlerFlow implements RunningHandler {
    readonly incarnation: ActorIncarnation;
    readonly envelope: Envelope;
    readonly task: Task;
    readonly since: number;
    promise: PromiseLike<unknown> | null;
    settled: Promise<unknown> | null;
    port: ReplyPort | null;
    stashed: boolean;
    ended: boolean;
    hasWaited: boolean;
    pendingAsks: number;
    constructor(incarnation: ActorIncarnation, envelope: Envelope, task: Task, since: number);
    get flow(): HandlerFlow;
    end(): void;
}
export interface RunningHandler {
    readonly incarnation: ActorIncarnation;
    readonly flow: HandlerFlow;
}
export declare function setTaskOf(incarnation: ActorIncarnation, task: Task): void;
export declare function runInFlow<T>(flow: HandlerFlow, handler: () => T): T;
export declare function switchRunning(handler: RunningHandler | null): RunningHandler | null;
export declare function countUnentered(change: 1 | -1): void;
export declare function runOutsideOfFlows<T>(fn: () => T): T;
export declare function currentFlow(): HandlerFlow | null;
export declare function currentIncarnation(): ActorIncarnation | null;
export declare function activeFlow(): HandlerFlow | null;

// dist/messages/idempotency-key.d.ts
export declare function deriveIdempotencyKey(content?: () => string): string | null;

// dist/messages/mailbox.d.ts
import type { CancelledError, EventLoop } from '@tasktree/core';
import { Claim } from '@tasktree/core/lowlevel';
import type { ActorChild } from '../actors/actor-child.ts';
import type { Envelope } from './envelope.ts';
import type { HandlerFlow } from './handler-flow.ts';
import type { ActorWait } from './wait-graph.ts';
export interface MailboxOptions {
    capacity?: number;
    overflow?: 'wait' | 'reject' | 'drop-newest' | 'drop-oldest';
    onRestart?: 'keep' | 'drop';
}
export declare function checkMailbox(options: MailboxOptions): void;
export declare class Admission extends Claim<boolean> implements ActorWait {
    readonly envelope: Envelope;
    readonly target: ActorChild;
    readonly asker: HandlerFlow | null;
    waitNumber: number;
    constructor(loop: EventLoop, envelope: Envelope, target: ActorChild, asker: HandlerFlow | null);
    protected claim(): void;
    protected decline(): void;
    blocker(): HandlerFlow | null;
    refuse(error: unknown): void;
    cancel(msg?: string | CancelledError): boolean;
    then<R = boolean, E = never>(onFulfilled?: ((value: boolean) => R | PromiseLike<R>) | null, onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<R | E>;
}
export declare class Mailbox {
    #private;
    readonly capacity: number;
    constructor(options: MailboxOptions | undefined);
    get size(): number;
    get waiting(): number;
    isEmpty(): boolean;
    isFull(): boolean;
    keepPlace(): void;
    freePlace(): void;
    push(envelope: Envelope): void;
    unshift(envelopes: readonly Envelope[]): void;
    first(): Envelope | null;
    shift(): Envelope | null;
    remove(envelope: Envelope): boolean;
    holds(envelope: Envelope): boolean;
    get mayHaveBeside(): boolean;
    takeBeside(may: (envelope: Envelope) => boolean): Generator<Envelope>;
    overflow(): 'wait' | 'refuse' | Envelope;
    dropInternal(): void;
    wait(envelope: Envelope): void;
    admit(): Envelope | null;
    contents(): Envelope[];
    takeAll(): Envelope[];
    takeSenders(): Envelope[];
}

// dist/messages/message-kind.d.ts
import { type AnyActorClass } from './callable-methods.ts';
export declare class MessageKind {
    #private;
    readonly name: string;
    readonly declared: boolean;
    readonly refused: boolean;
    readonly interleaves: boolean;
    entersContext: boolean;
    isPlain: boolean;
    constructor(name: string, known: {
        declared?: boolean;
        refused?: boolean;
        interleaves?: boolean;
    });
    finished(inTheCall: boolean): void;
}
export declare const mostUndeclared = 1000;
export declare class MessageKinds {
    #private;
    readonly declared: readonly string[];
    constructor(actorClass: AnyActorClass);
    get(name: string): MessageKind;
}
export declare function kindsOf(actorClass: AnyActorClass): MessageKinds;

// dist/messages/send-proxies.d.ts
import type { ActorChild } from '../actors/actor-child.ts';
export declare function tellProxy(child: ActorChild, incarnation: number): object;
export declare function askProxy(child: ActorChild, incarnation: number): object;

// dist/messages/stash.d.ts
import type { Envelope } from './envelope.ts';
export declare class Stash {
    #private;
    constructor(path: string, capacity: number);
    get size(): number;
    add(envelope: Envelope): void;
    forget(envelope: Envelope): void;
    takeAll(): Envelope[];
}

// dist/messages/tell-options.d.ts
import type { TellOptions } from '../actors/message-types.ts';
export declare function checkTellOptions(options: TellOptions): void;

// dist/messages/tracing.d.ts
import { type Channel } from 'node:diagnostics_channel';
import { Tracing } from '@tasktree/core/lowlevel';
export interface MessageTrace {
    readonly path: string;
    readonly incarnation: number;
    readonly method: string;
    readonly ask: object | null;
    readonly message: object;
}
export declare const messageTracing: Tracing<MessageTrace>;
export interface AskTrace {
    readonly path: string;
    readonly method: string;
    readonly ask: object;
}
export declare const askTracing: Tracing<AskTrace>;
export declare const tellMade: Channel;
export declare const askMade: Channel;

// dist/messages/wait-graph.d.ts
import { type Future } from '@tasktree/core';
import type { AskCycle } from '../errors.ts';
import { HandlerFlow } from './handler-flow.ts';
export type Waiter = HandlerFlow | Future<unknown>;
export interface BlockedWait extends Future<unknown> {
    blocker(): Waiter | null;
}
export interface RefusableWait extends Future<unknown> {
    refuse(error: AskCycle): void;
}
export interface ActorWait extends BlockedWait, RefusableWait {
    readonly asker: HandlerFlow | null;
    waitNumber: number;
}
export declare function isActorWait(future: Future<unknown>): future is ActorWait;
export declare function isRefusable(future: Future<unknown>): future is RefusableWait;
interface Edge {
    readonly future: Future<unknown>;
    readonly to: Waiter | null;
}
export interface Node {
    readonly waiter: Waiter;
    readonly edges: Edge[];
    readonly others: Future<unknown>[];
    isResuming: boolean;
}
export type WaitGraph = ReadonlyMap<Waiter, Node>;
export declare function graphFrom(start: HandlerFlow): WaitGraph;
export declare function stuckNodes(graph: WaitGraph): Set<Waiter>;
export type LiveWaits = ReadonlyMap<Waiter, ReadonlySet<Future<unknown>>>;
export declare function findLiveWaits(nodes: Iterable<Node>): Promise<LiveWaits>;
export declare function withOnly(live: LiveWaits, graph: WaitGraph): WaitGraph;
export declare function pathBetween(from: Waiter, to: Waiter, graph: WaitGraph): Waiter[] | null;
export {};

// dist/runtime/events.d.ts
import { type Channel } from 'node:diagnostics_channel';
import { Tracing } from '@tasktree/core/lowlevel';
import type { ExitReason } from '../exit-reason.ts';
import type { Message } from '../messages/envelope.ts';
interface OfChild {
    readonly path: string;
    readonly id: string;
    readonly incarnation: number;
}
export type SystemEvent = (OfChild & {
    readonly type: 'started';
}) | (OfChild & {
    readonly type: 'exited';
    readonly reason: ExitReason;
})
 | (OfChild & {
    readonly type: 'restarting';
    readonly nextIncarnation: number;
    readonly reason: ExitReason;
    readonly attempt: number;
    readonly delay: number;
}) | (OfChild & {
    readonly type: 'start-failed';
    readonly error: unknown;
})
 | (OfChild & {
    readonly type: 'shutdown-error';
    readonly reason: ExitReason;
})
 | (OfChild & {
    readonly type: 'resumed';
    readonly error: unknown;
    readonly message: string;
})
 | (OfChild & {
    readonly type: 'zombie';
    readonly message: string;
    readonly sinceMs: number;
})
 | (OfChild & {
    readonly type: 'zombie-settled';
    readonly message: string;
    readonly error?: unknown;
})
 | (OfChild & {
    readonly type: 'slow';
    readonly message: string;
    readonly ms: number;
})
 | (OfChild & {
    readonly type: 'unhandled-rejection';
    readonly error: unknown;
}) | {
    readonly type: 'dead-letter';
    readonly letter: DeadLetter;
};
export type DeadLetterReason = 'no-proc' | 'stopped' | 'draining' | 'mailbox-full' | 'dropped-oldest' | 'dropped-on-restart' | 'unhandled-down';
export interface DeadLetter {
    readonly path: string;
    readonly message: Message;
    readonly reason: DeadLetterReason;
}
export declare const actorStart: Channel;
export declare const actorStop: Channel;
export declare const actorRestart: Channel;
export declare const restartTracing: Tracing<SystemEvent>;
export {};

// dist/runtime/logged-errors.d.ts
export declare class LoggedErrors {
    #private;
    add(error: unknown): boolean;
}

// dist/runtime/logger.d.ts
export interface Logger {
    debug(message: string, ...details: unknown[]): void;
    info(message: string, ...details: unknown[]): void;
    warn(message: string, ...details: unknown[]): void;
    error(message: string, ...details: unknown[]): void;
    child?: undefined;
}
export interface StructuredLogger {
    debug(fields: object, message: string): void;
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
    child(...args: never[]): unknown;
}
export declare const consoleLogger: Logger;
export declare const silentLogger: Logger;
type Level = 'debug' | 'info' | 'warn' | 'error';
export declare function checkLogger(logger: unknown): void;
export declare class Log implements Logger {
    #private;
    child?: undefined;
    constructor(logger: Logger | StructuredLogger);
    debug(message: string, ...details: unknown[]): void;
    info(message: string, ...details: unknown[]): void;
    warn(message: string, ...details: unknown[]): void;
    error(message: string, ...details: unknown[]): void;
    report(level: Level, message: string, fields: object, error?: unknown): void;
}
export {};

// dist/runtime/registry.d.ts
import { type Subscription } from '@tasktree/sync';
import type { ChildRef } from '../children/child-ref.ts';
export interface GroupEvent {
    readonly type: 'joined' | 'left';
    readonly ref: ChildRef;
}
export declare class Group {
    #private;
    readonly name: string;
    get members(): readonly ChildRef[];
    join(ref: ChildRef): boolean;
    leave(ref: ChildRef): boolean;
    watch(): Subscription<GroupEvent>;
}
export declare class Registry {
    #private;
    lookup(name: string): ChildRef | null;
    names(): [string, ChildRef][];
    groups(): Group[];
    register(name: string, ref: ChildRef): void;
    unregister(name: string): boolean;
    group(name: string): Group;
}

// dist/runtime/rejections.d.ts
import type { Runtime } from './runtime.ts';
export declare function watchRejections(runtime: Runtime): void;
export declare function unwatchRejections(runtime: Runtime): void;

// dist/runtime/runtime.d.ts
import { Broadcast } from '@tasktree/sync';
import { type EventLoop, Future } from '@tasktree/core';
import { DeadLetters } from '../messages/dead-letters.ts';
import { type DeadLetterReason, type SystemEvent } from './events.ts';
import { Log } from './logger.ts';
import type { Child } from '../children/child.ts';
import type { Envelope } from '../messages/envelope.ts';
import { Registry } from './registry.ts';
export declare class Runtime {
    #private;
    readonly loop: EventLoop;
    readonly log: Log;
    readonly events: Broadcast<SystemEvent>;
    readonly deadLetters: DeadLetters;
    readonly registry: Registry;
    readonly accepted: Future<boolean>;
    readonly refused: Future<boolean>;
    find: (path: readonly string[]) => Child | null;
    lateReplies: number;
    constructor(loop: EventLoop, log: Log);
    makeName(className: string): string;
    get observed(): boolean;
    emit(event: SystemEvent): void;
    deadLetter(path: string, envelope: Envelope, reason: DeadLetterReason): void;
}
export declare function runtimeOfLoop(): Runtime;

// dist/supervision/cancellable-request.d.ts
import { type CancelledError, type Task } from '@tasktree/core';
import { Claim } from '@tasktree/core/lowlevel';
import { AskCycle } from '../errors.ts';
import type { RefusableWait } from '../messages/wait-graph.ts';
import type { Operation } from './operation-queue.ts';
export interface Retreat<T> {
    undo?: () => void;
    takeBack?: (value: T) => void;
}
export declare class Request<T> extends Claim<T> implements Operation, RefusableWait {
    #private;
    constructor(task: Task, work: () => Promise<T>, retreat: Retreat<T>);
    then<R = T, E = never>(onFulfilled?: ((value: T) => R | PromiseLike<R>) | null, onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<R | E>;
    refuse(error: AskCycle): void;
    perform(): Promise<void>;
    drop(): void;
    protected claim(): void;
    protected decline(): void;
    cancel(msg?: string | CancelledError): boolean;
}

// dist/supervision/child-requests.d.ts
import type { Future } from '@tasktree/core';
import type { ChildRef } from '../children/child-ref.ts';
import type { ChildSpec } from '../children/child-spec.ts';
import { type ExitReason } from '../exit-reason.ts';
import type { SupervisorIncarnation } from './supervisor.ts';
export declare function startChild(incarnation: SupervisorIncarnation, spec: ChildSpec): Future<ChildRef>;
export declare function stopChild(incarnation: SupervisorIncarnation, id: string, budget: number | undefined): Future<ExitReason>;
export declare function restartChild(incarnation: SupervisorIncarnation, id: string): Future<ChildRef>;
export declare function deleteChild(incarnation: SupervisorIncarnation, id: string): Future<void>;

// dist/supervision/member.d.ts
import type { TimerHandle } from '@tasktree/core';
import type { Child } from '../children/child.ts';
import type { Incarnation } from '../children/incarnation.ts';
import type { ExitReason } from '../exit-reason.ts';
import type { RestartIntensity } from './restart-intensity.ts';
export interface Retry {
    readonly group: readonly Member[];
    timer: TimerHandle | null;
}
export declare class Member {
    readonly child: Child;
    readonly intensity: RestartIntensity | null;
    exit: {
        readonly incarnation: Incarnation;
        readonly reason: ExitReason;
    } | null;
    retry: Retry | null;
    stoppedByHand: boolean;
    leftOut: boolean;
    constructor(child: Child, intensity: RestartIntensity | null);
    get running(): boolean;
}

// dist/supervision/operation-queue.d.ts
export interface Operation {
    perform(): Promise<void>;
    drop(): void;
}
export declare class OperationQueue {
    #private;
    push(operation: Operation): void;
    shift(): Operation | null;
    dropAll(): void;
}

// dist/supervision/restart-intensity.d.ts
export declare class RestartIntensity {
    #private;
    constructor(maxRestarts: number, within: number);
    allow(now: number): boolean;
}

// dist/supervision/restarts.d.ts
import type { SupervisorOptions } from '../children/child-spec.ts';
import type { Incarnation } from '../children/incarnation.ts';
import { type ExitReason } from '../exit-reason.ts';
import type { Member } from './member.ts';
import { RestartIntensity } from './restart-intensity.ts';
import type { SupervisorIncarnation } from './supervisor.ts';
export declare class Restarts {
    #private;
    constructor(supervisor: SupervisorIncarnation, options: SupervisorOptions);
    makeIntensity(): RestartIntensity;
    onExit(member: Member, { incarnation, reason }: {
        incarnation: Incarnation;
        reason: ExitReason;
    }): Promise<void>;
    leaveStopped(member: Member, reason: ExitReason): void;
    drop(member: Member): void;
    leaveOut(member: Member): void;
}

// dist/supervision/supervisor-child.d.ts
import type { ChildRef } from '../children/child-ref.ts';
import type { DynamicSpec, SupervisorSpec } from '../children/child-spec.ts';
import { type Owner, Child } from '../children/child.ts';
import { SupervisorIncarnation } from './supervisor.ts';
export declare class SupervisorChild extends Child {
    readonly kind: 'supervisor' | 'dynamic';
    spec: SupervisorSpec | DynamicSpec;
    incarnation: SupervisorIncarnation | null;
    readonly specifiedChildren: Map<string, Child>;
    constructor(spec: SupervisorSpec | DynamicSpec, owner: Owner, runtime: Child['runtime']);
    childWithId(id: string): Child | null;
    protected makeRef(): ChildRef;
    protected makeIncarnation(number: number): SupervisorIncarnation;
}

// dist/supervision/supervisor-ref.d.ts
import { Future } from '@tasktree/core';
import type { Actor } from '../actors/actor.ts';
import type { LocalActorRef } from '../actors/local-actor-ref.ts';
import { ChildRef } from '../children/child-ref.ts';
import { type ActorSpec, type ChildSpec, type ResourceSpec, type RestartType } from '../children/child-spec.ts';
import type { ExitReason } from '../exit-reason.ts';
import type { ResourceRef } from '../children/resource.ts';
import type { ChildKind, ChildStatus } from '../children/child.ts';
export interface ChildInfo {
    readonly id: string;
    readonly kind: ChildKind;
    readonly status: ChildStatus;
    readonly restart: RestartType;
    readonly incarnation: number;
    readonly restarts: number;
    readonly ref: ChildRef;
}
export interface ChildCounts {
    readonly specs: number;
    readonly active: number;
    readonly supervisors: number;
    readonly workers: number;
}
export type RefOf<S extends ChildSpec> = S extends ActorSpec<infer A extends Actor> ? LocalActorRef<A> : S extends ResourceSpec<infer R> ? ResourceRef<R> : S extends {
    kind: 'supervisor' | 'dynamic';
} ? SupervisorRef : ChildRef;
export declare class SupervisorRef extends ChildRef {
    #private;
    startChild<S extends ChildSpec>(spec: S): Future<RefOf<S>>;
    startChild<R extends {
        readonly path: string;
    } = ChildRef>(...args: unknown[]): Future<R>;
    stopChild(id: string, options?: {
        shutdown?: number;
    }): Future<ExitReason>;
    restartChild(id: string): Future<ChildRef>;
    deleteChild(id: string): Future<void>;
    whichChildren(): ChildInfo[];
    countChildren(): ChildCounts;
    getSpec(id: string): ChildSpec;
    child<A extends Actor>(id: string, actorClass: abstract new (...args: never[]) => A): LocalActorRef<A> | null;
    child<R extends ChildRef>(id: string, refClass: abstract new (...args: never[]) => R): R | null;
    child(id: string): ChildRef | null;
}

// dist/supervision/supervisor.d.ts
import { Future, type Task } from '@tasktree/core';
import type { ChildRef } from '../children/child-ref.ts';
import type { ChildSpec, SupervisorOptions } from '../children/child-spec.ts';
import { type ExitReason } from '../exit-reason.ts';
import { Member } from './member.ts';
import { type Retreat } from './cancellable-request.ts';
import { Incarnation } from '../children/incarnation.ts';
import type { Owner, Child } from '../children/child.ts';
import type { SupervisorChild } from './supervisor-child.ts';
export declare class SupervisorIncarnation extends Incarnation implements Owner {
    #private;
    readonly child: SupervisorChild;
    task: Task<void>;
    constructor(child: SupervisorChild, number: number);
    get path(): string;
    get ownRef(): ChildRef;
    get members(): Member[];
    get options(): SupervisorOptions & {
        maxChildren?: number;
    };
    member(id: string): Member | undefined;
    get size(): number;
    find(id: string): Child | null;
    protected begin(): void;
    addMember(spec: ChildSpec, initial: boolean): Member;
    removeMember(member: Member, reason: ExitReason): void;
    launchMember(member: Member): Promise<void>;
    keepsStopped(child: Child): boolean;
    perform(perform: () => Promise<void>): void;
    childExited(child: Child, incarnation: Incarnation, reason: ExitReason): void;
    endRestart(child: Child, reason: ExitReason): void;
    forget(member: Member, reason: ExitReason): void;
    shutDownAfter(child: Child): void;
    stopIncarnation(member: Member): Promise<void>;
    stopForGood(member: Member): Promise<void>;
    finish(reason: ExitReason): void;
    interrupt(reason: ExitReason): void;
    kill(): void;
    request<T>(work: () => Promise<T>, retreat?: Retreat<T>): Future<T>;
}

// dist/system/system.d.ts
import { Future } from '@tasktree/core';
import type { Broadcast } from '@tasktree/sync';
import type { Actor } from '../actors/actor.ts';
import type { LocalActorRef } from '../actors/local-actor-ref.ts';
import type { ChildRef } from '../children/child-ref.ts';
import { type SupervisorOptions } from '../children/child-spec.ts';
import type { DeadLetters } from '../messages/dead-letters.ts';
import type { SystemEvent } from '../runtime/events.ts';
import { type Logger, type StructuredLogger } from '../runtime/logger.ts';
import type { Group } from '../runtime/registry.ts';
import type { SupervisorRef } from '../supervision/supervisor-ref.ts';
import { type NodeSnapshot } from './tree-snapshot.ts';
export interface ActorSystemOptions extends SupervisorOptions {
    name: string;
    shutdownTimeout?: number;
    logger?: Logger | StructuredLogger;
    attributeRejections?: boolean;
}
export interface SystemSnapshot {
    readonly name: string;
    readonly time: number;
    readonly root: NodeSnapshot;
    readonly deadLetters: number;
    readonly lateReplies: number;
    readonly names: Readonly<Record<string, string>>;
    readonly groups: Readonly<Record<string, readonly string[]>>;
}
export declare class ActorSystem implements AsyncDisposable {
    #private;
    readonly name: string;
    static start(options: ActorSystemOptions): Promise<ActorSystem>;
    get root(): SupervisorRef;
    lookup<A extends Actor>(actorClass: abstract new (...args: never[]) => A, pathOrName: string): LocalActorRef<A> | null;
    lookup<R extends ChildRef>(refClass: abstract new (...args: never[]) => R, pathOrName: string): R | null;
    lookup<R extends {
        readonly path: string;
    } = ChildRef>(pathOrName: string): R | null;
    register(name: string, ref: ChildRef): void;
    unregister(name: string): boolean;
    group(name: string): Group;
    get events(): Broadcast<SystemEvent>;
    get deadLetters(): DeadLetters;
    get lateReplies(): number;
    snapshot(): SystemSnapshot;
    tree(): string;
    stop(options?: {
        timeout?: number;
    }): Promise<void>;
    get done(): Future<void>;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/system/tree-snapshot.d.ts
import type { ChildKind, ChildStatus, Child } from '../children/child.ts';
export interface NodeSnapshot {
    readonly id: string;
    readonly path: string;
    readonly kind: ChildKind;
    readonly status: ChildStatus;
    readonly incarnation: number;
    readonly restarts: number;
    readonly lastExit: string | null;
    readonly strategy?: 'one-for-one' | 'one-for-all' | 'rest-for-one';
    readonly mailbox?: {
        readonly size: number;
        readonly capacity: number;
        readonly waiting: number;
    };
    readonly asks?: number;
    readonly handled?: number;
    readonly handling?: {
        readonly method: string;
        readonly sinceMs: number;
    };
    readonly waitingOn?: readonly string[];
    readonly children: readonly NodeSnapshot[];
}
export declare function snapshotOf(child: Child): NodeSnapshot;
export declare function formatTree(root: NodeSnapshot): string;
