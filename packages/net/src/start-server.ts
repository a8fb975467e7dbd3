import { createTask, getEventLoop, type Task } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import { StreamReader, type StreamWriter } from '@tasktree/streams'
import { AsyncResource } from 'node:async_hooks'
import { checkListenerOptions, type ListenerOptions } from './listen.ts'
import { parseListen, started } from './create-server.ts'
import { Server } from './server.ts'
import { StreamProtocol } from './stream-protocol.ts'

export type ClientHandler = (reader: StreamReader, writer: StreamWriter) => PromiseLike<void> | void

export interface StartServerOptions extends ListenerOptions {
  /**
   * The longest line that a reader can read, in bytes without the `\n`. When a reader buffers more than twice as many
   * bytes, it pauses its socket. `Infinity` means no limit.
   *
   * @defaultValue 65536
   */
  limit?: number | undefined
}

/**
 * Starts a server that runs `onClient` for each connection in a new task, a child of the task that started the server.
 * When `onClient` returns a promise, the connection is closed after the promise has settled. An error of `onClient`
 * goes to the loop's exception handler, never to the server.
 *
 * @throws {TypeError} for wrong arguments, before anything is opened
 * @throws {RangeError} for arguments whose value is out of range, before anything is opened
 * @throws {AddressInUseError} when the address is in use; another OSError when the server cannot listen for another reason
 *
 * @example
 *     await using server = await startServer(
 *       async (reader, writer) => {
 *         for await (const line of reader.lines()) writer.write(`${line.toUpperCase()}\n`)
 *       },
 *       '127.0.0.1',
 *       0,
 *     )
 *     console.log((server.sockets[0]?.port ?? 0) > 0) // true
 *
 * Source: asyncio.start_server, asyncio.start_unix_server. Differs: a handler's connection is closed with its task, and
 * leaving the server's scope cancels the handlers.
 */
export function startServer(onClient: ClientHandler, options: StartServerOptions): Promise<Server>
export function startServer(
  onClient: ClientHandler,
  host: string,
  port: number,
  options?: StartServerOptions,
): Promise<Server>
export function startServer(
  onClient: ClientHandler,
  hostOrOptions: string | StartServerOptions,
  port?: number,
  more?: StartServerOptions,
): Promise<Server> {
  if (typeof onClient !== 'function') {
    throw new TypeError(
      `startServer takes a function that is called with each client, got ${describe(onClient)}`,
    )
  }
  const options = parseListen(hostOrOptions, port, more)
  checkListenerOptions(options)
  checkLimit(options.limit)
  const tasks = new Set<Task<void>>()
  const starter = new AsyncResource('TasktreeServer')
  const loop = getEventLoop()
  const onMade = (reader: StreamReader, writer: StreamWriter): void => {
    const name = `client ${String(writer.getExtraInfo('peername', ['unix']))}`
    const serve = (): Promise<void> => serveClient(onClient, reader, writer)
    const task = starter.runInAsyncScope(createTask<void>, undefined, serve, { name, loop })
    tasks.add(task)
    task.addDoneCallback(() => {
      tasks.delete(task)
      if (task.cancelled()) {
        writer.close()
        return
      }
      const exception = task.exception()
      if (exception === null) return
      writer.close()
      loop.callExceptionHandler({ message: `the handler of ${name} has failed`, exception, task })
    })
  }
  const server = new Server(() => new StreamProtocol(options.limit, onMade), options, tasks)
  return started(server, options)
}

/** Checks `limit` when the server starts, and not only when the first client connects. */
function checkLimit(limit: number | undefined): void {
  void new StreamReader({ limit })
}

async function serveClient(
  onClient: ClientHandler,
  reader: StreamReader,
  writer: StreamWriter,
): Promise<void> {
  const serving = onClient(reader, writer)
  // A handler that returns no promise may have passed the streams to other code, so the connection stays open.
  if (serving === undefined) return
  await serving
  writer.close()
}
