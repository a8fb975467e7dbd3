import { type CancelledError, type Task } from '@tasktree/core';
import type { Incoming } from './message.ts';
export interface ScopeOptions {
    /**
     * How many milliseconds a request may take, its response included. Then its scope is cancelled. The client gets status
     * 503 with `Retry-After`, or a reset if the head was sent already. Without a limit by default.
     */
    deadline?: number | undefined;
    /** How many requests are served at the same time; others are answered with 503. Without a limit by default. */
    maxRequests?: number | undefined;
}
export interface HandlerOptions extends ScopeOptions {
    /** How many bytes the body of a request may have; a longer one is answered with 413. Without a limit by default. */
    maxBody?: number | undefined;
    /**
     * Gets each error of the handler; the cancel of a request is none. Without it errors go to the exception handler of the
     * loop, and so does what `onError` itself throws or rejects with.
     */
    onError?: ((error: unknown, request: Request) => void) | undefined;
}
/** What `stop()` waits for: an exchange, or an upgraded connection. */
export interface Work {
    readonly incoming: Incoming;
    /** Cancels the task. */
    stop(reason: CancelledError): void;
}
/** What all requests of one server or adapter share: the limits, and the work that has not ended. */
export declare class Service {
    #private;
    readonly deadline: number | undefined;
    readonly maxRequests: number;
    readonly maxBody: number;
    /** Set when the server begins to stop: responses then close their connections. */
    isDraining: boolean;
    /** Called when a work has ended. */
    onEnd: ((work: Work) => void) | null;
    constructor(options: HandlerOptions | undefined);
    get running(): ReadonlySet<Work>;
    isFull(): boolean;
    add(work: Work): void;
    /** The task of `work` has ended, and its response or connection is closed. */
    remove(work: Work): void;
    /** Tells `onError`, or else the exception handler of the loop. */
    report(exception: unknown, request: Request, task: Task, message: string): void;
}
