import { acceptRequest, checkHandler } from './accept-request.ts'
import type { Handler } from './handler-exchange.ts'
import type { Incoming, Outgoing } from './node-messages.ts'
import { type HandlerOptions, Service } from './service.ts'

/**
 * Makes a listener for node:http, the compatibility API of node:http2, Express or Connect from `handler`. Each request runs
 * in a task of its own, which is cancelled when the client leaves.
 *
 * @throws {TypeError} when `handler` is not a function, and for wrong options
 * @throws {RangeError} for options whose value is out of range
 *
 * @example
 *     import { createServer } from 'node:http'
 *
 *     const server = createServer(nodeHandler(async () => Response.json({ done: await work() })))
 *     server.listen(0, () => server.close())
 */
export function nodeHandler(
  handler: Handler,
  options?: HandlerOptions,
): (incoming: Incoming, outgoing: Outgoing) => void {
  checkHandler('nodeHandler', handler)
  const service = new Service(options)
  return (incoming, outgoing) => acceptRequest(service, handler, incoming, outgoing)
}
