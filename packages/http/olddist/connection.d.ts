import { type Incoming } from './message.ts';
/** Where a request came from. */
export interface Connection {
    /** The address of the peer; undefined for a Unix socket, and when the peer has gone. */
    readonly remoteAddress: string | undefined;
    readonly remotePort: number | undefined;
    /** Whether the connection uses TLS. */
    readonly encrypted: boolean;
    /** The request of node:http or node:http2. */
    readonly rawRequest: Incoming;
}
export declare function rememberRaw(request: object, incoming: Incoming): void;
/**
 * Where `request` came from: the peer's address, and the raw request of Node.
 *
 * @throws {TypeError} when `request` is not one that a handler of this package was given
 *
 * @example
 *     serve((request) => new Response(`you are ${connection(request).remoteAddress}`))
 */
export declare function connection(request: Request): Connection;
