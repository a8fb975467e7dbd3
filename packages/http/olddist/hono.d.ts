import type { MiddlewareHandler } from 'hono';
import { type ScopeOptions } from './service.ts';
export type { ScopeOptions } from './service.ts';
/**
 * A middleware for Hono on `@hono/node-server`: what comes after it works on the request inside a task, which is cancelled
 * when the client leaves or the deadline passes. The cancel of a handler is not logged as an error.
 *
 * Where Hono runs on something else, the task ends with the handler, and the signal of the request cancels it.
 *
 * @throws {TypeError} {@link RangeError} for wrong options
 *
 * @example
 *     const app = new Hono()
 *     app.use(honoScope({ deadline: 10_000 }))
 *     app.get('/report', async (c) => c.json(await report(c.req.query())))
 */
export declare function honoScope(options?: ScopeOptions): MiddlewareHandler;
