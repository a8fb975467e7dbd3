import { type RequestOwner } from './incoming-body.ts';
/**
 * The `Request` that a handler gets. Making a `Request` of the platform costs as much as the rest of a small exchange. So
 * this object has its properties and methods, and makes one only for what it does not have itself.
 *
 * Its prototype is below that of `Request`, so `instanceof Request` holds. The platform's own code cannot read it:
 * `new Request(request)` and the global `fetch(request)` need `request.clone()`.
 */
export declare class IncomingRequest {
    #private;
    readonly url: string;
    constructor(owner: RequestOwner, url: string);
    static ownerOf(request: unknown): RequestOwner | null;
    get method(): string;
    get headers(): Headers;
    get signal(): AbortSignal;
    get body(): ReadableStream<Uint8Array> | null;
    get bodyUsed(): boolean;
    bytes(): Promise<Uint8Array<ArrayBuffer>>;
    arrayBuffer(): Promise<ArrayBuffer>;
    text(): Promise<string>;
    json(): Promise<unknown>;
    blob(): Promise<Blob>;
    formData(): Promise<FormData>;
    /** A `Request` of the platform, which shares the body with this one. */
    clone(): Request;
}
