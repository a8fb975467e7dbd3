export interface FetchRetry {
    /** How many times the request is sent at most. @defaultValue 3 */
    attempts?: number | undefined;
    /**
     * Milliseconds to wait after the `attempt`-th attempt. By default 100, 200, 400 and so on, at most 30,000. A `Retry-After`
     * of the server counts instead, up to 30,000 milliseconds.
     */
    backoff?: ((attempt: number, error?: unknown) => number) | undefined;
}
export interface FetchInit extends RequestInit {
    /**
     * How many milliseconds each attempt may take, the reading of the response's body included; then it fails with a
     * TimeoutError. The waits between attempts do not count: `timeout()` of the core bounds the whole call.
     */
    timeout?: number | undefined;
    /**
     * Sends the request again after a failure of the network, a timeout before the head of the response, or the status 408,
     * 429, 502, 503 or 504. A number: the attempts. Without it the request is sent once.
     */
    retry?: number | FetchRetry | undefined;
}
/**
 * The platform's `fetch` with the cancel of the running code: a cancel of its task or scope ends the request at once, and
 * the reading of the response's body as well. A request that a handler was given can be passed on.
 *
 * With `retry`, requests with the methods GET, HEAD, PUT, DELETE, OPTIONS and TRACE are sent again after failures of the
 * network, timeouts and the statuses 408, 429, 502, 503 and 504. A body that is a stream is sent only once. The last
 * response or error is the outcome. A response whose body was begun to be read is not asked for again. A scope around the
 * call, as of `timeout()`, ends the waits between attempts as well.
 *
 * @throws {TypeError} {@link RangeError} for wrong options
 * @throws {TimeoutError} when the time has passed
 * @throws {CancelledError} when the running code is cancelled
 * @throws {TypeError} of the platform when the request fails
 *
 * @example
 *     const response = await fetch('https://api.example/prices', { timeout: 2_000, retry: 3 })
 *     const prices = await response.json()
 */
export declare function fetch(input: string | URL | Request, init?: FetchInit): Promise<Response>;
