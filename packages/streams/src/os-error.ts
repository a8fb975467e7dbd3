import { describe } from '@tasktree/core/lowlevel'

export interface OSErrorOptions extends ErrorOptions {
  code?: string | undefined
  errno?: number | undefined
  syscall?: string | undefined
  path?: string | undefined
  dest?: string | undefined
  address?: string | undefined
  port?: number | undefined
}

/**
 * An error of the operating system. Its `code` is the name of the error, such as "ECONNRESET". As with the errors of
 * Node, the error has the property `path`, for example, only if the path is known.
 *
 * Source: OSError. Differs: `code` is always there, and `errno` is negative, as in Node; `path` and `dest` are `filename`
 * and `filename2` in Python.
 */
export class OSError extends Error {
  override readonly name: string = 'OSError'
  readonly code: string
  /** The number of the error, negative as in Node. */
  declare readonly errno: number | undefined
  /** The system call that has failed, such as "open". */
  declare readonly syscall: string | undefined
  /** The file of the failed operation, if there is one. */
  declare readonly path: string | undefined
  /** The second file of an operation on two files, such as a rename. */
  declare readonly dest: string | undefined
  /** The address of the failed operation, if there is one. */
  declare readonly address: string | undefined
  declare readonly port: number | undefined

  constructor(message: string, options: OSErrorOptions = {}) {
    super(message, options)
    this.code = options.code ?? 'EIO'
    for (const fact of facts) {
      const value = options[fact]
      if (value !== undefined) Object.assign(this, { [fact]: value })
    }
  }
}

const facts = ['errno', 'syscall', 'path', 'dest', 'address', 'port'] as const

/** The peer has reset the connection, or the connection has ended for another reason. Source: ConnectionResetError */
export class ConnectionResetError extends OSError {
  override readonly name: string = 'ConnectionResetError'

  constructor(message: string, options: OSErrorOptions = {}) {
    super(message, { code: 'ECONNRESET', ...options })
  }
}

/** The program has written after the peer has closed its reading side. Source: BrokenPipeError */
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

/**
 * Wraps a system error of Node in the OSError class for its code. Any other error is returned unchanged. A value that is
 * not an error, or that throws when it is read, becomes the `cause` of an OSError.
 *
 * @example
 *     import { createConnection } from 'node:net'
 *     import { once } from 'node:events'
 *
 *     try {
 *       await once(createConnection(1, '127.0.0.1'), 'connect')
 *     } catch (error) {
 *       console.log(toOSError(error).name) // ConnectionRefusedError
 *     }
 */
export function toOSError(error: unknown): Error {
  try {
    return wrap(error)
  } catch {
    // `error` has a getter that throws, or cannot be turned into text.
    return new OSError(`the stream failed with ${describe(error)}`, { cause: error })
  }
}

function wrap(error: unknown): Error {
  if (!(error instanceof Error)) {
    return new OSError(`the stream failed with ${String(error)}`, { cause: error })
  }
  if (error instanceof OSError || !isSystemError(error)) return error
  const { code, errno, syscall, path, dest, address, port } = error
  const options = { code, errno, syscall, path, dest, address, port, cause: error }
  if (syscall === 'getaddrinfo') return new GaiError(error.message, options)
  return new (byCode.get(code) ?? OSError)(error.message, options)
}

/** The codes of Node for a stream that was destroyed without an error, or was ended, before it had sent all bytes. */
const closedEarly = /^(ECANCELED|ERR_STREAM_(DESTROYED|PREMATURE_CLOSE|WRITE_AFTER_END))$/
/** The codes of a connection that the peer has ended, or that the network has lost. */
const ofConnection = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENOTCONN',
  'ESHUTDOWN',
])

/**
 * Whether `error` says only that the connection is lost, or that other code of this program has closed the stream.
 *
 * Source: ConnectionError, the base class of such errors in Python. Differs: a timeout of the connection and the errors of a
 * network that is down count too.
 */
export function isOfConnection(error: Error): boolean {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && (ofConnection.has(code) || closedEarly.test(code))
}

interface SystemError extends Error, OSErrorOptions {
  code: string
}

/**
 * Matches the codes of the operating system, such as ECONNRESET or EAI_AGAIN. Does not match the codes of Node itself, such
 * as ERR_INVALID_ARG_TYPE.
 */
const ofSystem = /^E(AI_)?[A-Z0-9]+$/

function isSystemError(error: Error): error is SystemError {
  return 'code' in error && typeof error.code === 'string' && ofSystem.test(error.code)
}
