/**
 * Makes one pipe for two outputs. Node gives stdout and stderr a pipe each, and cannot give the same pipe to both. A
 * shell that runs `exec program 2>&1` could do it, but the shell changes the environment of the program: dash drops
 * every variable whose name is not a shell identifier, and adds PWD.
 *
 * So this module connects a socket to another socket of this process; Node's own pipes are sockets too. The child gets
 * the connecting end twice. On Linux the socket has an abstract name, which needs no file. Any local user could connect
 * to that name, so the connecting end first sends a random token, and an accepted connection that does not begin with
 * the token is dropped.
 */
import { Future } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'
import { OSError, toOSError } from '@tasktree/streams'
import { randomBytes } from 'node:crypto'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SharedPipe {
  /** The end that this process reads. */
  readonly reader: Socket
  /**
   * The end for the child. Destroy the writer as soon as the child was spawned, because the output does not end for the
   * reader while this process has the writer open.
   */
  readonly writer: Socket
}

const TOKEN_BYTES = 16

/**
 * Opens a pipe whose writing end can be given to a child twice, as stdout and as stderr.
 *
 * @throws {OSError} when the system has no sockets left
 * @throws {CancelledError} when `signal` aborts
 */
export async function openSharedPipe(signal: AbortSignal | undefined): Promise<SharedPipe> {
  const token = randomBytes(TOKEN_BYTES)
  const accepted = new Future<Socket>()
  const sockets = new Set<Socket>()
  const fail = (error: Error): void => {
    if (!accepted.done()) accepted.setException(toOSError(error))
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('error', () => socket.destroy())
    socket.once('readable', () => {
      const first = socket.read(TOKEN_BYTES) as Buffer | null
      if (first?.equals(token) === true && !accepted.done()) accepted.setResult(socket)
      else socket.destroy()
    })
  })
  server.on('error', fail)
  const name = socketName()
  server.listen(name)
  const writer = connect(name)
  writer.on('error', (cause: NodeJS.ErrnoException) => {
    // When this program has no free file descriptor for the accepted end, libuv closes the connection at once.
    const isRefused = cause.code === 'EPIPE' || cause.code === 'ECONNRESET'
    fail(isRefused ? new OSError('too many open files', { code: 'EMFILE', cause }) : cause)
  })
  writer.write(token)
  let reader: Socket | null = null
  try {
    reader = await cancelOnAbort(accepted, signal)
    return { reader, writer }
  } catch (error) {
    writer.destroy()
    throw error
  } finally {
    server.close()
    for (const socket of sockets) if (socket !== reader) socket.destroy()
  }
}

function socketName(): string {
  const name = `tasktree-${process.pid}-${randomBytes(12).toString('hex')}`
  return process.platform === 'linux' ? `\0${name}` : join(tmpdir(), name)
}
