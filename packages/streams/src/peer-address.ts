/** Returns the address of the other end as `host:port`; null when it is unknown, or `transport` is not a connection. */
export function peerAddress(transport: object | null): string | null {
  const connection: { getExtraInfo?: (name: string) => unknown } = transport ?? {}
  const peer = connection.getExtraInfo?.('peername') ?? null
  if (Array.isArray(peer)) return peer.join(':')
  return typeof peer === 'string' && peer !== '' ? peer : null
}
