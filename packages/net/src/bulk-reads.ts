import { Socket, type SocketConstructorOpts } from 'node:net'
import { keepFreedMemory } from './keep-freed-memory.ts'

/** The size of the buffer of one read, in bytes: twice that of Node, so that bulk data costs half the reads. */
const SIZE = 131_072
/**
 * After a read of at least this many bytes, the next read of this connection uses a new buffer in place of the shared
 * one. If that read is as large, the receiver may keep the new buffer.
 */
const LARGE = SIZE / 2

/**
 * All connections read small amounts through this one buffer. Without it, Node allocates 64 KiB for each read, which
 * costs more than copying a few bytes out of a shared buffer.
 */
let shared: Buffer | null = null

/** Whether the runtime is Node. Bun and Deno accept the option `onread`, but their sockets do not read into a given buffer. */
export const isNode: boolean = !('bun' in process.versions) && !('deno' in process.versions)

/**
 * Called with the bytes that have arrived. Returns whether the socket should read on. When `lent` is true, the buffer
 * will be used again or is much larger than the bytes, so a receiver that keeps the bytes must copy them.
 */
export type Receiver = (bytes: Buffer, lent: boolean) => boolean

/**
 * Returns a socket that takes the place of `socket` over the same connection: the new socket passes its bytes to
 * `receive` and emits no 'data'. Returns `socket` itself if it uses TLS, has already read bytes or has ended, or if the
 * runtime does not support this. After a small read, the next read uses the buffer that all connections share. After a
 * large read, the next read uses a new buffer, which the receiver may keep if that read is large too.
 *
 * Node has no public option for this on a connection that a server has accepted. So the handle, which is Node's object
 * for the connection of the operating system, is moved to a new socket.
 */
export function withBulkReads(socket: Socket, receive: Receiver): Socket {
  const owner = socket as unknown as { _handle?: object | null }
  const handle = owner._handle ?? null
  if (!isNode || handle === null || socket.constructor !== Socket) return socket
  if (!('useUserBuffer' in handle)) return socket
  // The new socket would miss the bytes, the end or the error that the old socket has already received.
  if (socket.bytesRead > 0 || socket.readableEnded || socket.destroyed) return socket
  shared ??= Buffer.allocUnsafeSlow(SIZE)
  const common = shared
  let next = common
  owner._handle = null
  socket.destroy()
  const options: SocketConstructorOpts = {
    handle: handle as unknown as NonNullable<SocketConstructorOpts['handle']>,
    allowHalfOpen: true,
    onread: {
      buffer: () => next,
      callback(size: number, buffer: Uint8Array): boolean {
        const isLarge = size >= LARGE
        if (isLarge) keepFreedMemory()
        next = isLarge ? Buffer.allocUnsafeSlow(SIZE) : common
        return receive((buffer as Buffer).subarray(0, size), !isLarge || buffer === common)
      },
    },
  }
  return new Socket(options)
}
