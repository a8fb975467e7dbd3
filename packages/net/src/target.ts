/** Where to connect to or listen: a TCP port, or a Unix socket's path. */
export type Target = { host?: string; port: number } | { path: string }

/** `(host, port)` and `({ host, port })` are the same. @throws {TypeError} for neither */
export function parseTarget(hostOrTarget: string | Target, port?: number): Target {
  if (typeof hostOrTarget === 'string') return checked({ host: hostOrTarget, port: port as number })
  if (typeof hostOrTarget !== 'object' || hostOrTarget === null) {
    throw new TypeError(`expected { host, port } or { path }, got ${typeof hostOrTarget}`)
  }
  return checked(hostOrTarget)
}

function checked(target: Target): Target {
  if ('path' in target) {
    if (typeof target.path !== 'string' || target.path === '') {
      throw new TypeError('the path of a Unix socket must be a non-empty string')
    }
    return target
  }
  if (!Number.isInteger(target.port) || target.port < 0 || target.port > 65_535) {
    throw new RangeError(`a port is an integer from 0 to 65535, got ${String(target.port)}`)
  }
  return target
}
