import type { FastifyBaseLogger, FastifyPluginCallback } from 'fastify'
import { isOfCancel } from './errors.ts'
import { FrameworkExchange } from './framework-exchange.ts'
import { type ScopeOptions, Service } from './service.ts'

export type { ScopeOptions } from './service.ts'

/**
 * A plugin for Fastify: the hooks and the handler that come after it work on the request inside a task, which is cancelled
 * when the client leaves or the deadline passes. The cancel of a handler is not logged as an error.
 *
 * @example
 *     await app.register(fastifyScope, { deadline: 10_000 })
 *     app.get('/report', (request) => report(request.query))
 */
export const fastifyScope: FastifyPluginCallback<ScopeOptions> = (app, options, done) => {
  const { deadline, maxRequests } = options
  const service = new Service({ deadline, maxRequests })
  app.addHook('onRequest', (request, reply, next) => {
    const exchange = FrameworkExchange.begin(service, request.raw, reply.raw, () => next())
    if (exchange === null) {
      void reply.hijack()
      return
    }
    const log = withoutCancels(reply.log, () => exchange.isBeingCancelled())
    reply.log = log
  })
  done()
}

// The hook is for the application that registers the plugin, and not for a context of the plugin's own.
Object.assign(fastifyScope, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@tasktree/http',
})

/** `log`, but what was thrown because the request was cancelled is no error. */
function withoutCancels(log: FastifyBaseLogger, isCancelled: () => boolean): FastifyBaseLogger {
  const error = (entry: unknown, ...rest: unknown[]): void => {
    const cause = (entry as { err?: unknown } | null)?.err ?? entry
    if (isCancelled() && isOfCancel(cause)) return
    Reflect.apply(log.error, log, [entry, ...rest])
  }
  return Object.create(log, { error: { value: error, writable: true, configurable: true } })
}
