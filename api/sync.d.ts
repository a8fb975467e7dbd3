// dist/barrier.d.ts
import { type NameOption, Primitive } from './primitive.ts';
export declare class Barrier extends Primitive {
    #private;
    readonly parties: number;
    constructor(parties: number, options?: NameOption);
    get nWaiting(): number;
    get broken(): boolean;
    wait(options?: {
        signal?: AbortSignal;
    }): Promise<number>;
    reset(options?: {
        signal?: AbortSignal;
    }): Promise<void>;
    abort(options?: {
        signal?: AbortSignal;
    }): Promise<void>;
    statistics(): {
        readonly parties: number;
        readonly state: 'filling' | 'draining' | 'resetting' | 'broken';
        readonly broken: boolean;
        readonly waiters: number;
        readonly leaving: number;
        readonly blocked: number;
    };
}

// dist/bounded-semaphore.d.ts
import type { NameOption } from './primitive.ts';
import { Semaphore } from './semaphore.ts';
export declare class BoundedSemaphore extends Semaphore {
    #private;
    constructor(value?: number, options?: NameOption);
    release(): void;
}

// dist/broadcast.d.ts
import type { Future } from '@tasktree/core';
import { Primitive } from './primitive.ts';
export declare class Subscription<T> extends Primitive implements AsyncIterable<T>, Disposable {
    #private;
    get dropped(): number;
    get(options?: {
        signal?: AbortSignal;
    }): Future<T>;
    qsize(): number;
    statistics(): {
        readonly size: number;
        readonly capacity: number;
        readonly dropped: number;
        readonly getters: number;
    };
    [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined>;
    [Symbol.dispose](): void;
}
export declare class Broadcast<T> extends Primitive {
    #private;
    constructor(options: {
        history?: number;
        lag: 'block' | 'drop-oldest';
        capacity?: number;
        name?: string | undefined;
    });
    publish(message: T, options?: {
        signal?: AbortSignal;
    }): Future<void>;
    subscribe(): Subscription<T>;
    close(): void;
    [Symbol.dispose](): void;
    statistics(): {
        readonly subscribers: number;
        readonly publishers: number;
        readonly history: number;
        readonly closed: boolean;
    };
}

// dist/cancelled-if-aborted.d.ts
import { Future } from '@tasktree/core';
export declare function cancelledIfAborted(options: {
    signal?: AbortSignal;
} | undefined): Future<never> | null;

// dist/capacity-limiter.d.ts
import type { Future } from '@tasktree/core';
import { type NameOption, Primitive } from './primitive.ts';
import type { Releaser } from './releaser.ts';
export declare class CapacityLimiter extends Primitive {
    #private;
    constructor(total: number, options?: NameOption);
    get total(): number;
    set total(total: number);
    get available(): number;
    acquire(weight?: number, options?: {
        signal?: AbortSignal;
    }): Future<Releaser>;
    acquireNowait(weight?: number): Releaser;
    statistics(): {
        readonly total: number;
        readonly available: number;
        readonly used: number;
        readonly holders: number;
        readonly waiters: number;
    };
}

// dist/channel.d.ts
import type { Future } from '@tasktree/core';
import { Primitive } from './primitive.ts';
export declare class Channel<T> extends Primitive implements AsyncIterable<T>, Disposable {
    #private;
    constructor(options: {
        capacity: number;
        name?: string | undefined;
    });
    get closed(): boolean;
    send(item: T, options?: {
        signal?: AbortSignal;
    }): Future<void>;
    sendNowait(item: T): void;
    receive(options?: {
        signal?: AbortSignal;
    }): Future<T>;
    receiveNowait(): T;
    clone(): Channel<T>;
    close(): void;
    statistics(): {
        readonly size: number;
        readonly capacity: number;
        readonly senders: number;
        readonly receivers: number;
        readonly openHandles: number;
    };
    [Symbol.dispose](): void;
    [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined>;
}

// dist/condition.d.ts
import { type Future } from '@tasktree/core';
import { Lock } from './lock.ts';
import { type NameOption, Primitive } from './primitive.ts';
import type { Releaser } from './releaser.ts';
export declare class Condition extends Primitive {
    #private;
    constructor(lock?: Lock, options?: NameOption);
    acquire(options?: {
        signal?: AbortSignal;
    }): Future<Releaser>;
    release(): void;
    locked(): boolean;
    wait(options?: {
        signal?: AbortSignal;
    }): Promise<true>;
    waitFor(predicate: () => boolean, options?: {
        signal?: AbortSignal;
    }): Promise<true>;
    notify(n?: number): void;
    notifyAll(): void;
    runExclusive<T>(fn: () => PromiseLike<T> | T, options?: {
        signal?: AbortSignal;
    }): Promise<T>;
    statistics(): {
        readonly locked: boolean;
        readonly holders: number;
        readonly waiters: number;
        readonly acquiring: number;
    };
}

// dist/errors.d.ts
export declare class WouldBlock extends Error {
    readonly name: string;
    readonly code: string;
    constructor(lack: string, waiting: string);
}
export declare class QueueEmpty extends Error {
    readonly name: string;
    readonly code: string;
    constructor();
}
export declare class QueueFull extends Error {
    readonly name: string;
    readonly code: string;
    constructor(maxsize: number);
}
export declare class QueueShutDown extends Error {
    readonly name: string;
    readonly code: string;
    constructor();
}
export declare class BrokenBarrierError extends Error {
    readonly name: string;
    readonly code: string;
}
export declare class ChannelClosed extends Error {
    readonly name: string;
    readonly code: string;
    constructor(message?: string);
}
export declare class EndOfChannel extends Error {
    readonly name: string;
    readonly code: string;
    constructor();
}

// dist/event.d.ts
import type { Future } from '@tasktree/core';
import { type NameOption, Primitive } from './primitive.ts';
export declare class Event extends Primitive {
    #private;
    constructor(options?: NameOption);
    isSet(): boolean;
    set(): void;
    clear(): void;
    wait(options?: {
        signal?: AbortSignal;
    }): Future<true>;
    statistics(): {
        readonly set: boolean;
        readonly waiters: number;
    };
}

// dist/failed-future.d.ts
import { Future } from '@tasktree/core';
export declare function failedFuture(error: Error): Future<never>;

// dist/index.d.ts
export { Barrier } from './barrier.ts';
export { BoundedSemaphore } from './bounded-semaphore.ts';
export { Broadcast, Subscription } from './broadcast.ts';
export { CapacityLimiter } from './capacity-limiter.ts';
export { Channel } from './channel.ts';
export { Condition } from './condition.ts';
export { BrokenBarrierError, ChannelClosed, EndOfChannel, QueueEmpty, QueueFull, QueueShutDown, WouldBlock, } from './errors.ts';
export { Event } from './event.ts';
export { LifoQueue } from './lifo-queue.ts';
export { Lock } from './lock.ts';
export { PriorityQueue } from './priority-queue.ts';
export { Queue } from './queue.ts';
export { RateLimiter } from './rate-limiter.ts';
export { Releaser } from './releaser.ts';
export { RWLock } from './rw-lock.ts';
export { Semaphore } from './semaphore.ts';

// dist/items.d.ts
export interface Items<T> {
    readonly size: number;
    push(item: T): void;
    pop(): T;
    clear(): void;
}
export declare class Fifo<T> implements Items<T> {
    #private;
    get size(): number;
    push(item: T): void;
    pop(): T;
    clear(): void;
    [Symbol.iterator](): Generator<T, void, undefined>;
}
export declare class Lifo<T> implements Items<T> {
    #private;
    get size(): number;
    push(item: T): void;
    pop(): T;
    clear(): void;
}
export declare class Heap<T> implements Items<T> {
    #private;
    constructor(compare: (a: T, b: T) => number);
    get size(): number;
    push(item: T): void;
    pop(): T;
    clear(): void;
}

// dist/lifo-queue.d.ts
import { Queue } from './queue.ts';
export declare class LifoQueue<T> extends Queue<T> {
    constructor(options?: {
        maxsize?: number;
        name?: string | undefined;
    });
}

// dist/lock.d.ts
import { type Future } from '@tasktree/core';
import { type NameOption, Primitive } from './primitive.ts';
import { Releaser } from './releaser.ts';
export declare class Lock extends Primitive {
    #private;
    constructor(options?: NameOption);
    acquire(options?: {
        signal?: AbortSignal;
    }): Future<Releaser>;
    acquireNowait(): Releaser;
    release(): void;
    locked(): boolean;
    runExclusive<T>(fn: () => PromiseLike<T> | T, options?: {
        signal?: AbortSignal;
    }): Promise<T>;
    statistics(): {
        readonly locked: boolean;
        readonly holders: number;
        readonly waiters: number;
    };
}

// dist/primitive.d.ts
import type { Task } from '@tasktree/core';
export interface NameOption {
    name?: string | undefined;
}
export interface Awaited {
    readonly of: {
        readonly kind: string;
        label(): string;
        words(): string;
    };
    readonly state: string;
    readonly note?: string | undefined;
    readonly next?: Task | null;
}
export declare abstract class Primitive {
    #private;
    constructor(name: string | undefined);
    get name(): string;
    abstract statistics(): object;
}
export declare function checkNamed<O extends NameOption>(takes: string, options: O | undefined): O | undefined;

// dist/priority-queue.d.ts
import { Queue } from './queue.ts';
export declare class PriorityQueue<T> extends Queue<T> {
    constructor(options?: {
        maxsize?: number;
        compare?: (a: T, b: T) => number;
        name?: string | undefined;
    });
}

// dist/queue.d.ts
import type { Future } from '@tasktree/core';
import { type Items } from './items.ts';
import { Primitive } from './primitive.ts';
export declare class Queue<T> extends Primitive implements AsyncIterable<T> {
    #private;
    readonly maxsize: number;
    constructor(options?: {
        maxsize?: number;
        name?: string | undefined;
    }, items?: Items<T>);
    qsize(): number;
    empty(): boolean;
    full(): boolean;
    put(item: T, options?: {
        signal?: AbortSignal;
    }): Future<void>;
    putNowait(item: T): void;
    get(options?: {
        signal?: AbortSignal;
    }): Future<T>;
    getNowait(): T;
    taskDone(): void;
    join(options?: {
        signal?: AbortSignal;
    }): Future<void>;
    shutdown(immediate?: boolean): void;
    [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined>;
    statistics(): {
        readonly size: number;
        readonly maxsize: number;
        readonly getters: number;
        readonly putters: number;
        readonly joiners: number;
        readonly unfinished: number;
        readonly isShutDown: boolean;
    };
}

// dist/rate-limiter.d.ts
import { type Future } from '@tasktree/core';
import { Primitive } from './primitive.ts';
export declare class RateLimiter extends Primitive {
    #private;
    constructor(options: {
        limit: number;
        interval: number;
        burst?: number;
        name?: string | undefined;
    });
    acquire(n?: number, options?: {
        signal?: AbortSignal;
    }): Future<void>;
    acquireNowait(n?: number): void;
    statistics(): {
        readonly available: number;
        readonly burst: number;
        readonly waiters: number;
    };
}

// dist/releaser.d.ts
export interface Lender {
    takeBack(held: Releaser): void;
}
export declare class Releaser implements Disposable {
    #private;
    release(): void;
    [Symbol.dispose](): void;
}

// dist/run-exclusive.d.ts
import type { Future } from '@tasktree/core';
import type { Releaser } from './releaser.ts';
export declare function runExclusive<T>(acquiring: Future<Releaser>, fn: () => PromiseLike<T> | T): Promise<T>;

// dist/rw-lock.d.ts
import type { Future } from '@tasktree/core';
import { type NameOption, Primitive } from './primitive.ts';
import type { Releaser } from './releaser.ts';
export declare class RWLock extends Primitive {
    #private;
    constructor(options?: NameOption);
    read(options?: {
        signal?: AbortSignal;
    }): Future<Releaser>;
    write(options?: {
        signal?: AbortSignal;
    }): Future<Releaser>;
    statistics(): {
        readonly readers: number;
        readonly writers: number;
        readonly waiters: number;
    };
}

// dist/semaphore.d.ts
import { type Future } from '@tasktree/core';
import { type NameOption, Primitive } from './primitive.ts';
import { Releaser } from './releaser.ts';
export declare class Semaphore extends Primitive {
    #private;
    constructor(value?: number, options?: NameOption);
    acquire(options?: {
        signal?: AbortSignal;
    }): Future<Releaser>;
    acquireNowait(): Releaser;
    release(): void;
    locked(): boolean;
    runExclusive<T>(fn: () => PromiseLike<T> | T, options?: {
        signal?: AbortSignal;
    }): Promise<T>;
    statistics(): {
        readonly value: number;
        readonly holders: number;
        readonly waiters: number;
    };
}

// dist/waiter-queue.d.ts
import { LinkedList, type WaitDetails } from '@tasktree/core/lowlevel';
import type { Awaited } from './primitive.ts';
import type { Waiter } from './waiter.ts';
export declare class WaiterQueue<T, A = undefined> extends LinkedList<Waiter<T, A>> {
    #private;
    constructor(awaited: (waiter: Waiter<T, A>) => Awaited);
    describe(waiter: Waiter<T, A>): string;
    details(waiter: Waiter<T, A>): WaitDetails;
    first(): Waiter<T, A> | null;
    isEmpty(): boolean;
    wakeNext(): boolean;
    endAll(result: T): void;
}

// dist/waiter.d.ts
import type { EventLoop, Future } from '@tasktree/core';
import { Claim, type Linked } from '@tasktree/core/lowlevel';
import type { WaiterQueue } from './waiter-queue.ts';
export interface Host<T, A> {
    serve(waiter: Waiter<T, A>): void;
    pass(waiter: Waiter<T, A>): void;
    leave?(waiter: Waiter<T, A>): void;
    forget?(waiter: Waiter<T, A>): void;
    readonly keepsItsWaiters?: boolean;
}
export declare class Waiter<T, A = undefined> extends Claim<T> implements Linked<Waiter<T, A>> {
    #private;
    list: WaiterQueue<T, A> | null;
    nextInList: Waiter<T, A> | null;
    previousInList: Waiter<T, A> | null;
    readonly ask: A;
    constructor(host: Host<T, A> | null, ask: A, loop?: EventLoop);
    refuse(error: Error): void;
    cancel(msg?: Parameters<Future<T>['cancel']>[0]): boolean;
    forget(): void;
    isUnused(): boolean;
    describeWait(): string;
    protected claim(): void;
    protected decline(): void;
}

// dist/weighted-semaphore.d.ts
import { type Future, type Task } from '@tasktree/core';
import { type Linked, LinkedList } from '@tasktree/core/lowlevel';
import type { Awaited } from './primitive.ts';
import { type Lender, Releaser } from './releaser.ts';
import { type Host, Waiter } from './waiter.ts';
import { WaiterQueue } from './waiter-queue.ts';
export interface Request {
    readonly amount: number;
    readonly order: number;
    readonly task: Task | null;
}
declare class Share implements Lender, Linked<Share> {
    #private;
    list: LinkedList<Share> | null;
    nextInList: Share | null;
    previousInList: Share | null;
    readonly amount: number;
    readonly task: Task | null;
    constructor(semaphore: WeightedSemaphore, amount: number, task: Task | null);
    takeBack(): void;
}
export declare class WeightedSemaphore implements Host<Releaser, Request> {
    #private;
    total: number;
    protected readonly line: WaiterQueue<Releaser, Request>;
    constructor(total: number, awaited: (waiter: Waiter<Releaser, Request>) => Awaited);
    get available(): number;
    get used(): number;
    get holders(): number;
    get waiters(): number;
    get isWhole(): boolean;
    holdingTasks(): (Task | null)[];
    acquire(amount: number, options: {
        signal?: AbortSignal;
    } | undefined): Future<Releaser>;
    take(amount: number): Releaser | null;
    wake(): void;
    serve(waiter: Waiter<Releaser, Request>): void;
    pass(waiter: Waiter<Releaser, Request>): void;
    leave(waiter: Waiter<Releaser, Request>): void;
    takeBack(share: Share): void;
}
export {};
