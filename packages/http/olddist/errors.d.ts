import { CancelledError } from '@tasktree/core';
/**
 * What cancels the task of a request whose client has gone: the connection was closed, or the HTTP/2 stream was reset,
 * before the response was finished. Frameworks read its status, so that they answer nobody and log no failure.
 */
export declare class ClientGoneError extends CancelledError {
    readonly code: string;
    readonly status: number;
    readonly statusCode: number;
    readonly expose: boolean;
    constructor(message?: string);
    /** The response that Hono gives for this error. Nobody receives it. */
    getResponse(): Response;
}
/** What cancels the task of a request that was still running when the grace of `stop()` was over. */
export declare class ServerStoppedError extends CancelledError {
    readonly code: string;
    constructor();
}
/** The body of a request is larger than the option `maxBody` allows. The client is answered with status 413. */
export declare class BodyTooLargeError extends Error {
    readonly name: string;
    readonly code: string;
    readonly status: number;
    readonly statusCode: number;
    constructor(maxBody: number);
}
/**
 * Whether `error` is what a cancel looks like where it arrives: the CancelledError, or the AbortError that an API of the
 * platform makes of an aborted signal. An error that the handler has made of it is an error of its own.
 */
export declare function isPlainCancel(error: unknown): boolean;
/** Whether `error` is a cancel, or was caused by one: a library may wrap what it was interrupted with. */
export declare function isOfCancel(error: unknown): boolean;
