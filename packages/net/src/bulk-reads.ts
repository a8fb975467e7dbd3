import { Socket, type SocketConstructorOpts } from 'node:net'

/** The size of the buffer of one read, in bytes: twice that of Node, so that bulk data costs half the reads. */
const SIZE = 131_072
/** A read of at least this many bytes gives its buffer away, and the next read of this connection gets a new one. */
const LARGE = SIZE / 2

/**
 * Every small read of every connection goes through this one buffer. Node allocates 64 KiB for each read, which costs
 * more than copying the few bytes of a small read out of a shared buffer.
 */
let shared: Buffer | null = null

/** Bun and Deno take the option, but have no sockets that read into a given buffer. */
const isNode = !('bun' in process.versions) && !('deno' in process.versions)

/**
 * Called with the bytes that have arrived; returns whether to go on reading. When `lent` is true, the bytes lie in a
 * buffer that is used again or is much larger than they are, so a receiver that keeps them makes a copy.
 */
export type Receiver = (bytes: Buffer, lent: boolean) => boolean

/**
 * Returns a socket that takes the place of `socket` over the same connection: it hands its bytes to `receive` and emits
 * no 'data'. Returns `socket` itself if it has read already or the runtime does not support this. After a small read the
 * socket reads into the buffer that all connections share, after a large read into a buffer of its own, which it gives
 * away.
 *
 * Node has no public option for this on a connection that a server has accepted, so the handle is moved.
 */
export function withBulkReads(socket: Socket, receive: Receiver): Socket {
  const owner = socket as unknown as { _handle?: object | null }
  const handle = owner._handle ?? null
  if (!isNode || handle === null || socket.constructor !== Socket) return socket
  if (!('useUserBuffer' in handle)) return socket
  // The new socket would not have the bytes, the end or the error that this one has received.
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
        next = isLarge ? Buffer.allocUnsafeSlow(SIZE) : common
        return receive((buffer as Buffer).subarray(0, size), !isLarge || buffer === common)
      },
    },
  }
  return new Socket(options)
}
