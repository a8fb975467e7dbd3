import type { FastifyPluginCallback } from 'fastify';
import { type ScopeOptions } from './service.ts';
export type { ScopeOptions } from './service.ts';
/**
 * A plugin for Fastify: the hooks and the handler that come after it work on the request inside a task, which is cancelled
 * when the client leaves or the deadline passes. The cancel of a handler is not logged as an error.
 *
 * @example
 *     await app.register(fastifyScope, { deadline: 10_000 })
 *     app.get('/report', (request) => report(request.query))
 */
export declare const fastifyScope: FastifyPluginCallback<ScopeOptions>;
