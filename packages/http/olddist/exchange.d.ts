import { type CancelledError, type Task } from '@tasktree/core';
import { type Incoming, type Outgoing } from './message.ts';
import type { Service, Work } from './service.ts';
/**
 * One request, from its head to the end of its response.
 *
 * The task of the exchange answers the request. The client counts as gone when the response has closed before it was
 * finished; only then is the task cancelled on the client's behalf. The end of the request's body, a finished response and
 * an idle connection cancel nothing. The exchange has ended when its task is done and its response is closed.
 */
export declare abstract class Exchange implements Work {
    #private;
    readonly service: Service;
    readonly incoming: Incoming;
    readonly outgoing: Outgoing;
    /** The client sends its body only after it was told to: `Expect: 100-continue`. */
    awaitsContinue: boolean;
    constructor(service: Service, incoming: Incoming, outgoing: Outgoing);
    /** Answers the request, and calls `answered()` at its end; called in the task. */
    protected abstract answer(): Promise<void>;
    /** The code of the task has come to its end. */
    protected answered(): void;
    /** The response is closed, and it was sent to its end. */
    protected finished(): void;
    begin(): void;
    get task(): Task<void>;
    get isClosed(): boolean;
    /** Aborts when the task is cancelled: the client has gone, the deadline has passed, or the server stops. */
    get signal(): AbortSignal;
    /** Whether the request has been cancelled for one of these reasons. */
    isBeingCancelled(): boolean;
    /** Whether `error` is a consequence of that. */
    isOwnCancel(error: unknown): boolean;
    /** Cancels the task and answers the client at once, because the handler may be in an await that cannot be cancelled. */
    stop(reason: CancelledError): void;
    /** Answers 503, or resets the connection when the head was sent already. */
    refuse(): void;
    /** The client has gone: seen by the response, or earlier by a reader of the request's body. */
    leave(): void;
    /**
     * Whether this response of HTTP/1 is the last one of its connection: the server is stopping, or the client was not told
     * to send the body that it has announced.
     */
    mustClose(): boolean;
    protected closing(): Record<string, string>;
}
/** `GET /path`, without the query. */
export declare function taskName(incoming: Incoming): string;
