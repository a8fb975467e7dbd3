/** A failure of the operating system: `code` is its name, as "ECONNREFUSED". Source: OSError */
export class OSError extends Error {
  override readonly name: string = 'OSError'
  readonly code: string
  readonly syscall: string | undefined
  readonly address: string | undefined
  readonly port: number | undefined

  constructor(cause: NodeJS.ErrnoException & { address?: string; port?: number }) {
    super(cause.message, { cause })
    this.code = cause.code ?? 'EUNKNOWN'
    this.syscall = cause.syscall
    this.address = cause.address
    this.port = cause.port
  }
}

/** Nobody listens there. Source: ConnectionRefusedError */
export class ConnectionRefusedError extends OSError {
  override readonly name: string = 'ConnectionRefusedError'
}

/** Something listens there already. Source: OSError EADDRINUSE */
export class AddressInUseError extends OSError {
  override readonly name: string = 'AddressInUseError'
}

/** The other side has closed its reading half. Source: BrokenPipeError */
export class BrokenPipeError extends OSError {
  override readonly name: string = 'BrokenPipeError'
}

/** A name that cannot be resolved. Source: socket.gaierror */
export class GaiError extends OSError {
  override readonly name: string = 'GaiError'
}

const classes: Record<string, typeof OSError> = {
  ECONNREFUSED: ConnectionRefusedError,
  EADDRINUSE: AddressInUseError,
  EPIPE: BrokenPipeError,
  ENOTFOUND: GaiError,
  EAI_AGAIN: GaiError,
}

/** What a socket's error is thrown as. When every address of a name was tried, each one's failure is in `cause.errors`. */
export function toOSError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || error instanceof OSError) return error
  const errno = error as NodeJS.ErrnoException
  return new (classes[errno.code ?? ''] ?? OSError)(errno)
}
