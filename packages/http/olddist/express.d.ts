import type { Incoming, Outgoing } from './message.ts';
import { type ScopeOptions } from './service.ts';
export type { ScopeOptions } from './service.ts';
export type Next = (error?: unknown) => void;
export type RequestScope = (incoming: Incoming, outgoing: Outgoing, next: Next) => void;
/**
 * A middleware for Express, Connect and Nest on Express: what comes after it works on the request inside a task, which is
 * cancelled when the client leaves or the deadline passes. The cancel of a handler is no error for Express then, and is not
 * logged.
 *
 * @throws {TypeError} {@link RangeError} for wrong options
 *
 * @example
 *     const app = express()
 *     app.use(requestScope({ deadline: 10_000 }))
 *     app.get('/report', async (request, response) => response.json(await report(request.query)))
 */
export declare function requestScope(options?: ScopeOptions): RequestScope;
/**
 * An error handler for Connect, or for an Express router with error handlers of its own: ends there what a cancelled
 * request has thrown. `requestScope` adds it to an Express application by itself.
 */
export declare function ignoreCancelled(error: unknown, incoming: Incoming, _outgoing: Outgoing, next: Next): void;
