import { FrameworkExchange } from './framework-exchange.ts'
import type { Incoming, Outgoing } from './node-messages.ts'
import { type ScopeOptions, Service } from './service.ts'

export type { ScopeOptions } from './service.ts'

export type Next = (error?: unknown) => void
export type RequestScope = (incoming: Incoming, outgoing: Outgoing, next: Next) => void

/**
 * Returns a middleware for Express, Connect and Nest on Express. The middlewares and handlers after it run inside a task,
 * which is cancelled when the client leaves or the deadline passes. Express does not log the CancelledError of a handler.
 * If the application uses the middleware twice, the options of the first count.
 *
 * @throws {TypeError} for wrong options
 * @throws {RangeError} for options whose value is out of range
 *
 * @example
 *     import express from 'express'
 *
 *     const app = express()
 *     app.use(requestScope({ deadline: 10_000 }))
 *     app.get('/report', async (_request, response) => {
 *       response.send(await work()) // cancelled when the client leaves
 *     })
 */
export function requestScope(options?: ScopeOptions): RequestScope {
  const service = new Service(options)
  const apps = new WeakSet<object>()
  return (incoming, outgoing, next) => {
    const { app } = incoming as { app?: ExpressApp }
    if (app !== undefined && !apps.has(app)) {
      apps.add(app)
      hideCancels(app)
    }
    FrameworkExchange.begin(service, incoming, outgoing, () => {
      next()
    })
  }
}

/**
 * An error handler for Connect, or for a router, a route or a mounted application of Express that has error handlers of its
 * own. It drops the errors that the cancel of a request has caused, so that no later error handler gets them.
 * `requestScope` adds it to an Express application.
 *
 * @example
 *     import express from 'express'
 *
 *     const router = express.Router()
 *     router.get('/report', async (_request, response) => response.send(await work()))
 *     router.use(ignoreCancelled) // before the router's own error handlers
 */
export function ignoreCancelled(
  error: unknown,
  incoming: Incoming,
  _outgoing: Outgoing,
  next: Next,
): void {
  if (FrameworkExchange.of(incoming)?.isOwnCancel(error) !== true) next(error)
}

type ErrorHandler = (error: unknown, incoming: Incoming, outgoing: Outgoing, next: Next) => unknown

interface Layer {
  /** An error handler if it has four parameters. */
  handle: ErrorHandler | ((...args: never[]) => unknown)
}

interface ExpressApp {
  use(handler: typeof ignoreCancelled): unknown
  /** Express 4 */
  _router?: { stack?: Layer[] }
  /** Express 5 */
  router?: { stack?: Layer[] }
}

/**
 * Adds `ignoreCancelled` behind all routes of the application, and makes its error handlers pass cancels on. Must be called
 * when the first request comes, because only then the application has all its routes. No layer may change its place,
 * because Express counts the layers that this request has passed.
 */
function hideCancels(app: ExpressApp): void {
  const stack = (app._router ?? app.router)?.stack
  for (const layer of stack ?? []) {
    if (layer.handle.length === 4) layer.handle = passingCancelsOn(layer.handle as ErrorHandler)
  }
  app.use(ignoreCancelled)
}

function passingCancelsOn(handler: ErrorHandler): ErrorHandler {
  return (error, incoming, outgoing, next) => {
    const isCancel = FrameworkExchange.of(incoming)?.isOwnCancel(error) === true
    return isCancel ? next(error) : handler(error, incoming, outgoing, next)
  }
}
