import { describe } from '@tasktree/core/lowlevel'

/** Where to connect to: a TCP port (of localhost, unless there is a host), or a Unix socket's path. */
export type Target = { host?: string | undefined; port: number } | { path: string }

/**
 * Turns `(host, port, options)` or `(target, options)` into a target and options. @throws {TypeError} for other
 * arguments
 */
export function parseTarget<O extends object>(
  hostOrTarget: string | Target,
  portOrOptions: number | O | undefined,
  more: O | undefined,
): [Target, O] {
  if (typeof hostOrTarget === 'string') {
    return [checkTarget({ host: hostOrTarget, port: portOrOptions as number }), more ?? ({} as O)]
  }
  if (typeof hostOrTarget !== 'object' || hostOrTarget === null) {
    throw new TypeError(
      `expected a host and a port, { host, port } or { path }, got ${describe(hostOrTarget)}`,
    )
  }
  return [checkTarget(hostOrTarget), (portOrOptions as O | undefined) ?? ({} as O)]
}

function checkTarget(target: Target): Target {
  if ('path' in target) checkPath(target.path)
  else {
    if (target.host !== undefined) checkHost(target.host)
    checkPort(target.port)
  }
  return target
}

export function checkHost(host: unknown): void {
  if (typeof host === 'string') return
  throw new TypeError(`a host is a string, got ${describe(host)}`)
}

export function checkPath(path: unknown): void {
  if (typeof path === 'string' && path !== '') return
  throw new TypeError(`the path of a Unix socket is a string, got ${describe(path)}`)
}

export function checkPort(port: unknown): void {
  if (typeof port !== 'number') throw new TypeError(`a port is a number, got ${describe(port)}`)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return
  throw new RangeError(`a port is a whole number from 0 to 65535, got ${port}`)
}

/**
 * Checks a local address: an object with a host, a port, both or neither.
 *
 * @throws {TypeError} when the address, its host or its port is of a wrong type
 * @throws {RangeError} when the port is out of range
 */
export function checkLocalAddr(address: unknown): void {
  const { host, port } = toAddress('localAddr', address)
  if (host !== undefined) checkHost(host)
  if (port !== undefined) checkPort(port)
}

/**
 * Checks the address of a peer.
 *
 * @throws {TypeError} when the address, its host or its port is of a wrong type
 * @throws {RangeError} when the port is out of range, or 0, at which no peer receives
 */
export function checkAddress(name: string, address: unknown): void {
  const { host, port } = toAddress(name, address)
  checkHost(host)
  checkPort(port)
  if (port === 0)
    throw new RangeError('the port of a peer is a whole number from 1 to 65535, got 0')
}

function toAddress(name: string, address: unknown): { host?: unknown; port?: unknown } {
  if (typeof address === 'object' && address !== null) return address
  throw new TypeError(`${name} is an object with host and port, got ${describe(address)}`)
}

export function checkFlag(name: string, flag: unknown): void {
  if (flag === undefined || typeof flag === 'boolean') return
  throw new TypeError(`${name} is true or false, got ${describe(flag)}`)
}

export function checkKeepAlive(keepAlive: unknown): void {
  if (typeof keepAlive !== 'number') {
    if (keepAlive === undefined || typeof keepAlive === 'boolean') return
    throw new TypeError(
      `keepAlive is true, false or a number of milliseconds, got ${describe(keepAlive)}`,
    )
  }
  if (keepAlive >= 0 && keepAlive < Infinity) return
  throw new RangeError(`keepAlive is 0 milliseconds or more, and not Infinity, got ${keepAlive}`)
}
