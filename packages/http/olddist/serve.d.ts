import { type SecureServerOptions } from 'node:http2';
import type { Handler } from './handler-exchange.ts';
import { HttpServer } from './http-server.ts';
import { type HandlerOptions } from './service.ts';
import { type UpgradeHandler } from './upgrade.ts';
/** Limits of node:http for what a client sends, with Node's own defaults; times in milliseconds. */
export interface Limits {
    /** How many bytes the head of a request may have. */
    maxHeaderSize?: number | undefined;
    /** How long a client may take to send the head. */
    headersTimeout?: number | undefined;
    /** How long a client may take to send a whole request. */
    requestTimeout?: number | undefined;
    /** How long an idle connection stays open. */
    keepAliveTimeout?: number | undefined;
    /** How often the two timeouts above are checked. */
    connectionsCheckingInterval?: number | undefined;
}
export interface ServeOptions extends HandlerOptions {
    /** 0, the default: a free port, which `server.url` shows. */
    port?: number | undefined;
    /** @defaultValue '127.0.0.1' */
    host?: string | undefined;
    /** The path of a Unix socket, instead of a port. */
    path?: string | undefined;
    /** The key, the certificate and other options of node:tls. The server then speaks HTTP/2 as well. */
    tls?: SecureServerOptions | undefined;
    /** How many milliseconds running requests have to end after a stop. @defaultValue 5000 */
    grace?: number | undefined;
    /** How many milliseconds the server accepts requests after `ready()` says no, for load balancers. @defaultValue 0 */
    drainDelay?: number | undefined;
    /** A client that has ended its own side of the connection has not gone. @defaultValue false */
    httpAllowHalfOpen?: boolean | undefined;
    /** Called with a connection that its client wants to upgrade; without it such a request is an ordinary one. */
    onUpgrade?: UpgradeHandler | undefined;
    limits?: Limits | undefined;
}
/**
 * Listens, and calls `handler` for each request in a task of its own, named after the request (`GET /path`). The task is
 * cancelled when the client leaves before the response is finished, when the deadline passes, and when the server stops.
 * Other requests are not affected.
 *
 * What `handler` throws is answered with status 500 without details; `onError` gets the error. A `Response` that it throws
 * is sent. Once the head was sent, an error resets the connection.
 *
 * @throws {TypeError} {@link RangeError} for wrong arguments, before anything is opened
 * @throws the error of node:net when it cannot listen
 *
 * @example
 *     await run(async () => {
 *       await using server = await serve(async (request) => {
 *         return Response.json(await report(new URL(request.url).searchParams))
 *       }, { port: 8080, deadline: 10_000 })
 *       await server.closed
 *     })
 */
export declare function serve(handler: Handler, options?: ServeOptions): Promise<HttpServer>;
