/** Returns the address of the other end as `host:port`; null when `transport` is not a connection. */
export function peerOf(transport: object | null): string | null {
  const connection = transport as { getExtraInfo?: (name: string) => unknown } | null
  const peer = connection?.getExtraInfo?.('peername') ?? null
  if (Array.isArray(peer)) return peer.join(':')
  return typeof peer === 'string' && peer !== '' ? peer : null
}
