import { Future, staggeredRace } from '@tasktree/core'
import { OSError, toOSError } from '@tasktree/streams'
import { connect, type Socket, type SocketConnectOpts } from 'node:net'
import { addressesOf } from './addresses.ts'
import { cancelUnawaited } from './cancel-unawaited.ts'
import { runOutsideTasks } from './run-outside-tasks.ts'
import type { Target } from './target.ts'

export interface DialOptions {
  /** The local address and port of the connection; both are optional. */
  localAddr?: { host?: string | undefined; port?: number | undefined } | undefined
  /**
   * How many milliseconds to wait before the next address is tried in parallel with the earlier addresses (RFC 8305).
   * @defaultValue 250
   */
  happyEyeballsDelay?: number | undefined
  /** Whether the system sends small writes at once, without collecting them. @defaultValue true */
  noDelay?: boolean | undefined
  /**
   * Whether the system checks that a silent peer is still there. A number is the milliseconds before the first check.
   * @defaultValue false
   */
  keepAlive?: boolean | number | undefined
}

/** Returns Node's options for `keepAlive`. They are the same for a socket and a server. */
export function keepAliveOf(keepAlive: boolean | number | undefined): {
  keepAlive?: boolean
  keepAliveInitialDelay?: number
} {
  if (typeof keepAlive === 'number') return { keepAlive: true, keepAliveInitialDelay: keepAlive }
  return keepAlive === undefined ? {} : { keepAlive }
}

/**
 * Returns a socket that is connected to the address that answers first. All other attempts are closed. The socket is
 * paused and has read nothing: bytes, the end or a reset of the peer stay in the system until a transport reads them.
 */
export async function dial(target: Target, options: DialOptions): Promise<Socket> {
  if ('path' in target) return dialOne({ path: target.path })
  const { port } = target
  const host = target.host ?? 'localhost'
  const common = {
    port,
    noDelay: options.noDelay ?? true,
    ...keepAliveOf(options.keepAlive),
    ...(options.localAddr?.port === undefined ? {} : { localPort: options.localAddr.port }),
  }
  const routes = await routesTo(host, options.localAddr?.host)
  const [only] = routes
  if (routes.length === 1 && only !== undefined) return dialOne({ ...common, ...only })
  const sockets = new Set<Socket>()
  let winner: Socket | null = null
  try {
    const race = await staggeredRace(
      routes.map((route) => () => dialOne({ ...common, ...route }, sockets)),
      options.happyEyeballsDelay ?? 250,
    )
    winner = race.value ?? null
    if (winner === null) throw allFailed(host, port, race.exceptions)
    return winner
  } finally {
    // The other sockets are destroyed here, because a cancelled attempt would destroy its socket only in its next turn.
    for (const socket of sockets) if (socket !== winner) socket.destroy()
  }
}

/** A remote address, and the local address of the same family that the program has asked for. */
interface Route {
  readonly host: string
  readonly family: number
  readonly localAddress?: string
}

/** Returns the routes in the order in which they are to be tried. `localHost` is a name or an address. */
async function routesTo(host: string, localHost: string | undefined): Promise<Route[]> {
  const addresses = await addressesOf(host)
  if (localHost === undefined)
    return addresses.map(({ address, family }) => ({ host: address, family }))
  const locals = await addressesOf(localHost)
  const routes: Route[] = []
  for (const { address, family } of addresses) {
    const local = locals.find((one) => one.family === family)
    if (local !== undefined) routes.push({ host: address, family, localAddress: local.address })
  }
  if (routes.length > 0) return routes
  throw new OSError(`${localHost} and ${host} have no address of one family`, {
    code: 'EAFNOSUPPORT',
    syscall: 'connect',
    address: host,
  })
}

/** Connects to one address. @param sockets the set to which the new socket is added */
async function dialOne(where: SocketConnectOpts, sockets?: Set<Socket>): Promise<Socket> {
  let socket: Socket | null = null
  const connected = new Future<void>()
  const succeed = (): void => {
    if (!connected.done()) connected.setResult()
  }
  // This listener is never removed, because an abandoned socket may still fail, and an 'error' event without a listener
  // would end the process.
  const fail = (error: Error): void => {
    if (!connected.done()) connected.setException(toOSError(error))
  }
  try {
    await runOutsideTasks(() => {
      // The socket is paused, because otherwise Node begins to read as soon as it has connected.
      socket = connect({ ...where, allowHalfOpen: true })
        .pause()
        .once('connect', succeed)
        .on('error', fail)
      sockets?.add(socket)
    })
    await connected
    return socket as unknown as Socket
  } catch (error) {
    cancelUnawaited(connected)
    ;(socket as Socket | null)?.destroy()
    throw error
  }
}

/**
 * Makes one error for all failed addresses. If all errors have the same code, the result has the class of the first error.
 * Otherwise the code is that of a refusal if an address has refused, because then there is a network.
 */
function allFailed(host: string, port: number, exceptions: unknown[]): Error {
  const errors = exceptions.filter((one) => one instanceof Error)
  const [first] = errors
  const facts = { address: host, port, cause: new AggregateError(errors) }
  const message = `no address of ${host}:${port} could be connected: ${list(errors)}`
  if (first instanceof OSError && errors.every((one) => isLike(one, first))) {
    const Class = first.constructor as typeof OSError
    const { code, errno, syscall } = first
    return new Class(message, { ...facts, code, errno, syscall })
  }
  const known = errors.filter((one) => one instanceof OSError)
  const { code } = known.find((one) => one.code === 'ECONNREFUSED') ?? known[0] ?? {}
  return new OSError(message, { ...facts, code, syscall: 'connect' })
}

function isLike(one: Error, other: OSError): boolean {
  return one instanceof OSError && one.code === other.code
}

function list(errors: Error[]): string {
  return errors.map(({ message }) => message).join('; ')
}
