import { describe } from '@tasktree/core/lowlevel'
import { HandlerExchange } from './handler-exchange.ts'
import { IncomingRequest } from './incoming-request.ts'

/**
 * Returns the answer to a readiness probe: status 200 while the server accepts requests, 503 after a call of the server's
 * `stop()`.
 *
 * @throws {TypeError} when `serve` or `nodeHandler` did not pass `request` to a handler
 *
 * @example
 *     await using server = await serve((request) =>
 *       request.url.endsWith('/ready') ? ready(request) : new Response('hello'),
 *     ) // while the server stops, the answer is 503
 *     console.log((await fetch(`${server.url}/ready`)).status) // 200
 */
export function ready(request: Request): Response {
  const owner = IncomingRequest.ownerOf(request)
  if (!(owner instanceof HandlerExchange)) {
    throw new TypeError(
      `ready() takes the request that a handler was given, got ${describe(request)}`,
    )
  }
  const headers = { 'cache-control': 'no-store' }
  return owner.service.isDraining
    ? new Response('stopping\n', { status: 503, headers })
    : new Response('ready\n', { headers })
}
