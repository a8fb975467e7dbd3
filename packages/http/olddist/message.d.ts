import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
/** A request of node:http, or of the compatibility API of node:http2. */
export type Incoming = IncomingMessage | Http2ServerRequest;
export type Outgoing = ServerResponse | Http2ServerResponse;
export declare function isHttp2(message: Incoming | Outgoing): message is Http2ServerResponse;
/**
 * Whether the client left before the response was finished; asked once the response is closed. After a reset of HTTP/2
 * `writableFinished` is true all the same, so the code of the reset decides there.
 */
export declare function hasGone(outgoing: Outgoing): boolean;
/** Whether the connection uses TLS. */
export declare function isEncrypted(socket: object): boolean;
/** Ends the response so that the client cannot take it for a complete one. */
export declare function reset(outgoing: Outgoing): void;
/** Calls `listener` once when the response, or the connection that it was to be sent on, has closed. */
export declare function onceClosed(incoming: Incoming, outgoing: Outgoing, listener: () => void): void;
