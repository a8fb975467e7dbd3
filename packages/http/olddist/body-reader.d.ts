type Part = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>>;
/** Reads the body of a response part by part, and can look at its beginning without a wait. */
export declare class BodyReader {
    #private;
    /** `onFailure` gets the error of the clean-up of a source that was cancelled. */
    constructor(body: ReadableStream<Uint8Array>, onFailure: (error: unknown) => void);
    /**
     * The beginning of the body: whether its first part is there already, and the length of the whole body if that part is
     * all of it, as for a text.
     */
    look(): Promise<{
        hasBegun: boolean;
        length: number | null;
    }>;
    /** Waits for the next part. A stream gives promises that a cancel cannot interrupt, so a future gives them up. */
    next(): Promise<Part>;
    /** Tells the source of the body, once, that nobody will read it. */
    cancel(reason: unknown): void;
}
/** @throws {TypeError} for a part of a body that is not bytes */
export declare function checkBytes(part: unknown): void;
export {};
