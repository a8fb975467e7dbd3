export interface OSErrorOptions extends ErrorOptions {
  code?: string | undefined
  errno?: number | undefined
  syscall?: string | undefined
  address?: string | undefined
  port?: number | undefined
}

/**
 * An error of the operating system. Its `code` is the name of the error, such as "ECONNRESET".
 *
 * Source: OSError. Differs: Python keeps the number of the error, in `errno`.
 */
export class OSError extends Error {
  override readonly name: string = 'OSError'
  readonly code: string
  readonly errno: number | undefined
  readonly syscall: string | undefined
  /** The address of the failed operation, if there is one. */
  readonly address: string | undefined
  readonly port: number | undefined

  constructor(message: string, options: OSErrorOptions = {}) {
    super(message, options)
    this.code = options.code ?? 'EIO'
    this.errno = options.errno
    this.syscall = options.syscall
    this.address = options.address
    this.port = options.port
  }
}

/** The peer has reset the connection, or the connection has ended for another reason. Source: ConnectionResetError */
export class ConnectionResetError extends OSError {
  override readonly name: string = 'ConnectionResetError'

  constructor(message: string, options: OSErrorOptions = {}) {
    super(message, { code: 'ECONNRESET', ...options })
  }
}

/** A write after the peer has closed its reading side. Source: BrokenPipeError */
export class BrokenPipeError extends OSError {
  override readonly name: string = 'BrokenPipeError'

  constructor(message: string, options: OSErrorOptions = {}) {
    super(message, { code: 'EPIPE', ...options })
  }
}

/** No server listens at the address. Source: ConnectionRefusedError */
export class ConnectionRefusedError extends OSError {
  override readonly name: string = 'ConnectionRefusedError'

  constructor(message: string, options: OSErrorOptions = {}) {
    super(message, { code: 'ECONNREFUSED', ...options })
  }
}

/** The address is in use. Source: OSError with EADDRINUSE */
export class AddressInUseError extends OSError {
  override readonly name: string = 'AddressInUseError'

  constructor(message: string, options: OSErrorOptions = {}) {
    super(message, { code: 'EADDRINUSE', ...options })
  }
}

/** A host name could not be resolved. Source: socket.gaierror */
export class GaiError extends OSError {
  override readonly name: string = 'GaiError'

  constructor(message: string, options: OSErrorOptions = {}) {
    super(message, { code: 'ENOTFOUND', syscall: 'getaddrinfo', ...options })
  }
}

const byCode: ReadonlyMap<string, new (message: string, options: OSErrorOptions) => OSError> =
  new Map([
    ['ECONNRESET', ConnectionResetError],
    ['EPIPE', BrokenPipeError],
    ['ECONNREFUSED', ConnectionRefusedError],
    ['EADDRINUSE', AddressInUseError],
  ])

/** Wraps a system error of Node in the OSError class for its code; any other error is returned unchanged. */
export function toOSError(error: unknown): Error {
  if (!(error instanceof Error)) {
    return new OSError(`the stream failed with ${String(error)}`, { cause: error })
  }
  if (error instanceof OSError || !isSystemError(error)) return error
  const { code, errno, syscall, address, port } = error
  const facts = { code, errno, syscall, address, port, cause: error }
  if (syscall === 'getaddrinfo') return new GaiError(error.message, facts)
  return new (byCode.get(code) ?? OSError)(error.message, facts)
}

interface SystemError extends Error {
  code: string
  errno?: number
  syscall?: string
  address?: string
  port?: number
}

function isSystemError(error: Error): error is SystemError {
  return 'code' in error && typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code)
}
