import { Future } from '@tasktree/core';
import type { Server as PlainServer } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
export type NodeServer = PlainServer | Http2SecureServer;
/**
 * A running server, made by `serve`. Leaving the scope of `await using` stops it.
 *
 * A stop goes through these steps: `ready()` says no, and responses close their connections; after `drainDelay` the server
 * accepts no new connections and closes idle ones; running requests have `grace` milliseconds to end; then their tasks are
 * cancelled; when the tasks have ended, every connection that is left is destroyed.
 */
export declare class HttpServer implements AsyncDisposable {
    #private;
    /** Where it listens, such as `http://127.0.0.1:8080`; `unix:` and the path for a Unix socket. */
    get url(): string;
    /**
     * Ends when the stop of the server is complete: the requests have ended, their clean-up included, and every connection is
     * closed.
     */
    get closed(): Future<void>;
    /**
     * Stops the server as described above, and waits until it has stopped. A second call waits for the same end. A cancel
     * of the waiting task ends only its wait.
     */
    stop(): Promise<void>;
    /** As `stop`; no cancel interrupts the wait. */
    [Symbol.asyncDispose](): Promise<void>;
}
