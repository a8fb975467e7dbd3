import { describe } from '@tasktree/core/lowlevel'

/** Where to connect to: a TCP port (of localhost, unless there is a host), or a Unix socket's path. */
export type Target = { host?: string | undefined; port: number } | { path: string }

/** `(host, port, options)` and `({ host, port }, options)` are the same. @throws {TypeError} for neither */
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
  else checkPort(target.port)
  return target
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
