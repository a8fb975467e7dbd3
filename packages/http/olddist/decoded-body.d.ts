/** Notes that `fetch` has decoded `body`, if the headers of its response say that it was sent encoded. */
export declare function noteDecoding(body: ReadableStream, headers: Headers): void;
/** Whether the headers `content-encoding` and `content-length` that came with `body` do not describe it any more. */
export declare function isDecoded(body: ReadableStream): boolean;
