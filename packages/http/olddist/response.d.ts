import type { OutgoingHttpHeaders } from 'node:http';
/** What is sent without a stream. */
export interface PlainResponse {
    readonly status: number;
    readonly statusText: string;
    readonly headers: OutgoingHttpHeaders;
    readonly body: string | Uint8Array | null;
}
export declare const Response: typeof globalThis.Response;
/** What can be sent as it is; null for another `Response`, and for one that was used as a `Response` of the platform. */
export declare function plainOf(response: object): PlainResponse | null;
export declare function hasNoBody(status: number): boolean;
