import { Future, staggeredRace } from '@tasktree/core'
import { OSError, toOSError } from '@tasktree/streams'
import { connect, type Socket, type SocketConnectOpts } from 'node:net'
import { addressesOf } from './addresses.ts'
import { abandon, inLoop } from './in-loop.ts'
import type { Target } from './target.ts'

export interface DialOptions {
  /** The address and port to connect from; either may be left out. */
  localAddr?: { host?: string | undefined; port?: number | undefined } | undefined
  /** Milliseconds until the next address is tried beside the addresses before it (RFC 8305). @defaultValue 250 */
  happyEyeballsDelay?: number | undefined
  /** Whether small writes are sent at once. @defaultValue true */
  noDelay?: boolean | undefined
  /** Whether the system probes a silent peer; a number is the milliseconds before the first probe. @defaultValue false */
  keepAlive?: boolean | number | undefined
}

/** Node's options for `keepAlive`, which are the same for a socket and a server. */
export function keepAliveOf(keepAlive: boolean | number | undefined): {
  keepAlive?: boolean
  keepAliveInitialDelay?: number
} {
  if (typeof keepAlive === 'number') return { keepAlive: true, keepAliveInitialDelay: keepAlive }
  return keepAlive === undefined ? {} : { keepAlive }
}

/**
 * A connected socket, to the address that answers first. Every other attempt is closed. The socket is paused and has
 * read nothing: until its transport is there, all bytes of the peer, its end and a reset stay in the system.
 */
export async function dial(target: Target, options: DialOptions): Promise<Socket> {
  if ('path' in target) return dialOne({ path: target.path })
  const host = target.host ?? 'localhost'
  const common = {
    port: target.port,
    noDelay: options.noDelay ?? true,
    ...keepAliveOf(options.keepAlive),
    ...(options.localAddr?.host === undefined ? {} : { localAddress: options.localAddr.host }),
    ...(options.localAddr?.port === undefined ? {} : { localPort: options.localAddr.port }),
  }
  const addresses = await addressesOf(host)
  const [only] = addresses
  if (addresses.length === 1 && only !== undefined) {
    return dialOne({ ...common, host: only.address, family: only.family })
  }
  const sockets = new Set<Socket>()
  let winner: Socket | null = null
  try {
    const race = await staggeredRace(
      addresses.map(
        ({ address, family }) =>
          () =>
            dialOne({ ...common, host: address, family }, sockets),
      ),
      options.happyEyeballsDelay ?? 250,
    )
    winner = race.value ?? null
    if (winner === null) throw allFailed(host, target.port, race.exceptions)
    return winner
  } finally {
    // Destroyed here, because a cancelled attempt destroys its socket only in its next turn.
    for (const socket of sockets) if (socket !== winner) socket.destroy()
  }
}

/** @param sockets the set to which the new socket is added */
async function dialOne(where: SocketConnectOpts, sockets?: Set<Socket>): Promise<Socket> {
  let socket: Socket | null = null
  const connected = new Future<void>()
  const succeed = (): void => {
    if (!connected.done()) connected.setResult()
  }
  // This listener stays: a socket that is given up may still fail.
  const fail = (error: Error): void => {
    if (!connected.done()) connected.setException(toOSError(error))
  }
  try {
    await inLoop(() => {
      // Node begins to read as soon as it has connected, unless the socket is paused.
      socket = connect({ ...where, allowHalfOpen: true })
        .pause()
        .once('connect', succeed)
        .on('error', fail)
      sockets?.add(socket)
    })
    await connected
    return socket as unknown as Socket
  } catch (error) {
    abandon(connected)
    ;(socket as Socket | null)?.destroy()
    throw error
  }
}

/** One error for all addresses; of their class if they all failed alike. */
function allFailed(host: string, port: number, exceptions: unknown[]): Error {
  const errors = exceptions.filter((one) => one instanceof Error)
  const [first] = errors
  if (first instanceof OSError && errors.every((one) => isLike(one, first))) {
    const Class = first.constructor as typeof OSError
    return new Class(`no address of ${host}:${port} could be connected: ${list(errors)}`, {
      code: first.code,
      syscall: first.syscall,
      address: host,
      port,
      cause: new AggregateError(errors),
    })
  }
  return new OSError(`no address of ${host}:${port} could be connected: ${list(errors)}`, {
    code: 'ECONNREFUSED',
    syscall: 'connect',
    address: host,
    port,
    cause: new AggregateError(errors),
  })
}

function isLike(one: Error, other: OSError): boolean {
  return one instanceof OSError && one.code === other.code
}

function list(errors: Error[]): string {
  return errors.map(({ message }) => message).join('; ')
}
