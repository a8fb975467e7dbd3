import { OSError, type OSErrorOptions, toOSError } from '@tasktree/streams'
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls'

export interface TlsErrorOptions extends OSErrorOptions {
  reason?: string | undefined
}

/** An error of TLS, in the handshake or after it. Source: ssl.SSLError */
export class TlsError extends OSError {
  override readonly name: string = 'TlsError'
  /** OpenSSL's description of the cause, such as "wrong version number". */
  declare readonly reason: string | undefined

  constructor(message: string, options: TlsErrorOptions = {}) {
    super(message, { code: 'ERR_TLS', ...options })
    if (options.reason !== undefined) this.reason = options.reason
  }
}

export interface CertificateErrorOptions extends TlsErrorOptions {
  host?: string | undefined
  chain?: readonly PeerCertificate[] | undefined
}

/** The peer's certificate was not accepted. Source: ssl.SSLCertVerificationError */
export class CertificateError extends TlsError {
  override readonly name: string = 'CertificateError'
  declare readonly reason: string
  /** The name or address that the certificate was verified for; undefined if there was none. */
  declare readonly host: string | undefined
  /**
   * The peer's certificate, followed by the certificates of its issuers as far as they are known; empty when the peer
   * has shown none.
   */
  readonly chain: readonly PeerCertificate[]

  constructor(message: string, options: CertificateErrorOptions = {}) {
    super(message, { code: 'ERR_TLS_CERT', reason: message, ...options })
    if (options.host !== undefined) this.host = options.host
    this.chain = options.chain ?? []
  }
}

/**
 * Wraps an error of TLS in a TlsError, and any other error of the system in an OSError. Any other error is returned
 * unchanged. A value that is not an error becomes the `cause` of an OSError.
 */
export function toNetError(error: unknown): Error {
  const wrapped = toOSError(error)
  if (wrapped === error && wrapped instanceof OSError) return wrapped
  const { code, errno, syscall } = wrapped as NodeJS.ErrnoException
  if (code === undefined || !(/^ERR_(SSL|TLS|OSSL)_/.test(code) || code === 'EPROTO')) {
    return wrapped
  }
  const { reason } = error as { reason?: unknown }
  return new TlsError(wrapped.message, {
    code,
    errno,
    syscall,
    cause: error,
    reason: typeof reason === 'string' ? reason : undefined,
  })
}

/** Makes a CertificateError. @param leaf the peer's certificate, or null if it is not known */
export function toCertificateError(
  error: Error & { code?: unknown; reason?: unknown },
  host: string | undefined,
  leaf: DetailedPeerCertificate | null,
): CertificateError {
  return new CertificateError(error.message, {
    code: typeof error.code === 'string' ? error.code : undefined,
    reason: typeof error.reason === 'string' ? error.reason : error.message,
    cause: error,
    host,
    chain: leaf === null ? [] : chainOf(leaf),
  })
}

function chainOf(leaf: DetailedPeerCertificate): PeerCertificate[] {
  const chain: PeerCertificate[] = []
  const seen = new Set<string>()
  // The loop ends at a root certificate, whose issuer is itself, and at an empty object, which stands for a missing
  // certificate.
  for (
    let one: Partial<DetailedPeerCertificate> | undefined = leaf;
    one?.fingerprint256 !== undefined && !seen.has(one.fingerprint256);
    one = one.issuerCertificate
  ) {
    seen.add(one.fingerprint256)
    const { issuerCertificate: _, ...certificate } = one
    chain.push(certificate as PeerCertificate)
  }
  return chain
}
