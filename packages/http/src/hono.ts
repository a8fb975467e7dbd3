import { createTask } from '@tasktree/core'
import type { Context, MiddlewareHandler } from 'hono'
import { rememberRaw } from './connection.ts'
import { ClientGoneError } from './errors.ts'
import { FrameworkExchange } from './framework-exchange.ts'
import type { Incoming, Outgoing } from './node-messages.ts'
import { type ScopeOptions, Service } from './service.ts'

export type { ScopeOptions } from './service.ts'

/**
 * Returns a middleware for Hono on `@hono/node-server`. The middlewares and handlers after it run inside a task, which is
 * cancelled when the client leaves or the deadline passes. Hono does not log the CancelledError of a handler.
 *
 * Hono reads the body of a response outside of the task. Only the source of `sse` and the callbacks of `hono/streaming` run
 * in the task. The source of another stream must end its waits when its `cancel` is called.
 *
 * If Hono runs on another server, the task ends with the handler, and is cancelled when the signal of the request aborts.
 * The options have no effect there.
 *
 * @throws {TypeError} for wrong options
 * @throws {RangeError} for options whose value is out of range
 *
 * @example
 *     import { Hono } from 'hono'
 *
 *     const app = new Hono()
 *     app.use(honoScope({ deadline: 10_000 }))
 *     app.get('/report', async (c) => c.text(await work())) // cancelled when the client leaves
 */
export function honoScope(options?: ScopeOptions): MiddlewareHandler {
  const service = new Service(options)
  return async (context, next) => {
    const { incoming, outgoing } = (context.env ?? {}) as {
      incoming?: Incoming
      outgoing?: Outgoing
    }
    if (incoming === undefined || outgoing === undefined) {
      await runUntilAbort(context.req.method, context.req.path, context.req.raw.signal, next)
      return undefined
    }
    rememberRaw(context.req.raw, incoming)
    // Hono must send the refusal itself, because it reports an error for a response that it has not sent.
    const refusal = (): Response => context.body(null, 503, { 'retry-after': '1' })
    hideCancels(context, incoming, refusal)
    if (service.isFull()) return refusal()
    return await new Promise<Response | undefined>((resolve, reject) => {
      const begin = (): Promise<void> => next().then(() => resolve(undefined), reject)
      FrameworkExchange.begin(service, incoming, outgoing, begin, () => resolve(refusal()))
    })
  }
}

/**
 * Keeps Hono from logging the errors of a cancelled request. Hono sets `context.error` to each error of a handler. Then it
 * logs the error, but not if the error has the method `getResponse`, which gives the response for it.
 */
function hideCancels(context: Context, incoming: Incoming, getResponse: () => Response): void {
  let current = context.error
  Object.defineProperty(context, 'error', {
    configurable: true,
    enumerable: true,
    get: () => current,
    set(error: Error | undefined) {
      current = error
      if (FrameworkExchange.of(incoming)?.isOwnCancel(error) !== true) return
      if (error === undefined || 'getResponse' in error) return
      Reflect.defineProperty(error, 'getResponse', { configurable: true, value: getResponse })
    },
  })
}

async function runUntilAbort(
  method: string,
  path: string,
  signal: AbortSignal,
  next: () => Promise<void>,
): Promise<void> {
  const task = createTask(next, { name: `${method} ${path}`, eager: true })
  const onAbort = (): boolean => task.cancel(new ClientGoneError())
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await task
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
