import type { FastifyBaseLogger, FastifyPluginCallback } from 'fastify'
import { FrameworkExchange } from './framework-exchange.ts'
import { type ScopeOptions, Service } from './service.ts'

export type { ScopeOptions } from './service.ts'

/**
 * A plugin for Fastify. The hooks and the handler after it run inside a task, which is cancelled when the client leaves or
 * the deadline passes. Only the hooks `onRequestAbort` and `onTimeout` run outside of the task. Fastify does not log the
 * CancelledError of a handler. If the application registers the plugin twice, the options of the first count.
 *
 * @example
 *     import fastify from 'fastify'
 *
 *     const app = fastify()
 *     await app.register(fastifyScope, { deadline: 10_000 })
 *     app.get('/report', () => work()) // cancelled when the client leaves
 *     console.log((await app.inject('/report')).body) // done
 *     await app.close()
 */
export const fastifyScope: FastifyPluginCallback<ScopeOptions> = (app, options, done) => {
  const { deadline, maxRequests } = options
  const service = new Service({ deadline, maxRequests })
  app.addHook('onRequest', (request, reply, next) => {
    const exchange = FrameworkExchange.begin(service, request.raw, reply.raw, () => {
      next()
    })
    if (exchange === null) {
      void reply.hijack()
      return
    }
    reply.log = withoutCancels(reply.log, (error) => exchange.isOwnCancel(error))
  })
  done()
}

// Without `skip-override`, Fastify runs the hook only for routes that the plugin itself adds, not for all other routes.
Object.assign(fastifyScope, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@tasktree/http',
})

/**
 * Returns a logger like `log` that leaves out the errors of cancelled requests. Fastify warns of a handler that returns
 * after its request was refused.
 */
function withoutCancels(
  log: FastifyBaseLogger,
  isOwnCancel: (error: unknown) => boolean,
): FastifyBaseLogger {
  const filtered = Object.create(log) as FastifyBaseLogger
  for (const level of ['error', 'warn'] as const) {
    const value = (entry: unknown, ...rest: unknown[]): void => {
      const cause = (entry as { err?: unknown } | null)?.err ?? entry
      if (!isOwnCancel(cause)) Reflect.apply(log[level], log, [entry, ...rest])
    }
    Object.defineProperty(filtered, level, { value, writable: true, configurable: true })
  }
  return filtered
}
