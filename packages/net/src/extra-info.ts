import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** What `getExtraInfo` tells about a connection under TLS; undefined for any other name or socket. */
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

/** Node gives an empty object for a peer that has shown no certificate. */
function peerCertificateOf(socket: TLSSocket): unknown {
  const certificate: object | null = socket.getPeerCertificate()
  return certificate === null || Object.keys(certificate).length === 0 ? null : certificate
}
