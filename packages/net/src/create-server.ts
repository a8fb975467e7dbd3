import { checkOptions, describe } from '@tasktree/core/lowlevel'
import { checkListenerOptions, type ListenerOptions } from './listen.ts'
import type { BufferedProtocol, Protocol } from './protocol.ts'
import { Server } from './server.ts'

/**
 * Turns the arguments `(host, port, options)` or `(options)` into one options object. @throws {TypeError} for other
 * arguments
 */
export function parseListen<O extends ListenerOptions>(
  hostOrOptions: string | O,
  port: number | undefined,
  more: O | undefined,
): O {
  checkOptions(more)
  if (typeof hostOrOptions === 'string') return { ...(more as O), host: hostOrOptions, port }
  if (typeof hostOrOptions === 'object' && hostOrOptions !== null) return hostOrOptions
  throw new TypeError(
    `expected a host and a port, or options with host and port or path, got ${describe(hostOrOptions)}`,
  )
}

/**
 * Starts a server that calls `factory` to make the protocol of each connection.
 *
 * @throws {TypeError} for wrong arguments, before anything is opened
 * @throws {RangeError} for arguments whose value is out of range, before anything is opened
 * @throws {AddressInUseError} when the address is in use; another OSError when the server cannot listen for another reason
 *
 * @example
 *     await using server = await createServer(
 *       () => ({ connectionMade: (transport) => transport.write('hello\n') }),
 *       '127.0.0.1',
 *       0,
 *     )
 *     const [reader, writer] = await openConnection('127.0.0.1', server.sockets[0]?.port as number)
 *     console.log(String(await reader.readLine()).trim()) // hello
 *     writer.close()
 *
 * Source: asyncio loop.create_server, loop.create_unix_server
 */
export function createServer(
  factory: () => Protocol | BufferedProtocol,
  options: ListenerOptions,
): Promise<Server>
export function createServer(
  factory: () => Protocol | BufferedProtocol,
  host: string,
  port: number,
  options?: ListenerOptions,
): Promise<Server>
export function createServer(
  factory: () => Protocol | BufferedProtocol,
  hostOrOptions: string | ListenerOptions,
  port?: number,
  more?: ListenerOptions,
): Promise<Server> {
  if (typeof factory !== 'function') {
    throw new TypeError(
      `createServer takes a function that makes a protocol, got ${describe(factory)}`,
    )
  }
  const options = parseListen(hostOrOptions, port, more)
  checkListenerOptions(options)
  return started(new Server(factory, options), options)
}

/**
 * Starts the server unless the option `startServing` is false. A server that cannot listen is closed, and so are the
 * clients that one of its addresses has accepted already.
 */
export async function started(server: Server, options: ListenerOptions): Promise<Server> {
  if (options.startServing === false) return server
  try {
    await server.startServing()
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}
