import type { Incoming } from './message.ts';
/** Has no public API: without the property Node's own limit of 64 KiB stays. */
export declare function enlargeReadAhead(readable: object): void;
/** What a request belongs to: an exchange, or an upgrade of its connection. */
export interface RequestOwner {
    readonly incoming: Incoming;
    /** Aborts when the task of the request is cancelled. */
    readonly signal: AbortSignal;
    readonly maxBody: number;
    /** The client has gone. */
    leave(): void;
    /** Tells a client that waits for it to send the body. */
    continue(): void;
}
/** The body of a request. Each wait for a part of it is a wait of the running code, so a cancel ends it. */
export declare class IncomingBody {
    #private;
    constructor(owner: RequestOwner);
    /**
     * The next part; null at the end.
     *
     * @throws {BodyTooLargeError} when there are more bytes than `maxBody`
     * @throws {ClientGoneError} when the client has gone
     */
    read(): Promise<Buffer | null>;
    /** Everything that is left. */
    readAll(): Promise<Buffer>;
    /** The body as a stream that reads only when its reader asks for more. */
    stream(): ReadableStream<Uint8Array>;
}
