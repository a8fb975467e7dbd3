import { Socket, type SocketConstructorOpts } from 'node:net'

/** What one read may bring: twice what Node takes, so that bulk data costs half the reads. */
const SIZE = 131_072
/** From so many bytes on it is given away as it is, and the next read of the connection is expected to be as large. */
const LARGE = SIZE / 2

/**
 * Every small read of every connection goes through this one buffer: Node makes one of 64 KiB for each,
 * which costs more than copying what a small read has brought.
 */
let shared: Buffer | null = null

/** Bun and Deno take the option, but have no sockets that read into a given buffer. */
const isNode = !('bun' in process.versions) && !('deno' in process.versions)

/**
 * Called with what has arrived; whether to go on reading. When `lent`, the bytes lie in a buffer that is
 * used again, or is far larger than they are: who keeps them makes a copy.
 */
export type Receiver = (bytes: Buffer, lent: boolean) => boolean

/**
 * A socket in place of `socket`, over the same connection, that hands its bytes to `receive` and emits no
 * 'data'; or `socket` itself where that cannot be done. After a small read it reads into a buffer that all
 * connections share, after a large one into a buffer of its own, which it gives away.
 *
 * For a connection that a server has accepted Node has no public option for this, hence the handle.
 */
export function withBulkReads(socket: Socket, receive: Receiver): Socket {
  const owner = socket as unknown as { _handle?: object | null }
  const handle = owner._handle ?? null
  if (!isNode || handle === null || socket.constructor !== Socket) return socket
  if (!('useUserBuffer' in handle)) return socket
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
