/**
 * The answer to a readiness probe: 200 while the server accepts requests, 503 from the beginning of `stop()` on.
 *
 * @throws {TypeError} when `request` is not one that a handler of `serve` or `nodeHandler` was given
 *
 * @example
 *     serve((request) => (new URL(request.url).pathname === '/ready' ? ready(request) : answer(request)))
 */
export declare function ready(request: Request): Response;
