import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** Returns what `getExtraInfo(name)` tells about a TLS connection. Undefined for any other name or socket. */
export function tlsFact(socket: Socket, name: string): unknown {
  if (!(socket instanceof TLSSocket)) return undefined
  switch (name) {
    case 'cipher':
      return socket.getCipher()
    case 'peercert':
      return peerCertificateOf(socket)
    case 'authorized':
      return socket.authorized
    case 'alpn':
      return socket.alpnProtocol || undefined
    case 'protocol':
      return socket.getProtocol()
    case 'servername':
      return socket.servername || undefined
    default:
      return undefined
  }
}

/**
 * Returns the certificate of the peer, or null when the peer has shown none. For such a peer Node returns an empty
 * object.
 */
function peerCertificateOf(socket: TLSSocket): unknown {
  const certificate: object | null = socket.getPeerCertificate()
  return certificate === null || Object.keys(certificate).length === 0 ? null : certificate
}
