import { Future } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'
import { GaiError, toOSError } from '@tasktree/streams'
import { lookup, type LookupAddress } from 'node:dns'
import { isIP } from 'node:net'

/**
 * Returns the addresses of `host`, each once, with IPv4 and IPv6 alternating as RFC 8305 requires.
 *
 * @throws {GaiError} when the name cannot be resolved, or has no address
 */
export async function addressesOf(host: string, signal?: AbortSignal): Promise<LookupAddress[]> {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  // Node would refuse the empty name with a TypeError, or find no address.
  if (host === '') throw new GaiError('the empty host name has no address')
  const found = new Future<LookupAddress[]>()
  lookup(host, { all: true, order: 'verbatim' }, (error, addresses) => {
    if (found.done()) return
    if (error !== null) found.setException(toOSError(error))
    else if (addresses.length === 0) found.setException(new GaiError(`${host} has no address`))
    else found.setResult(interleave(distinct(addresses)))
  })
  return cancelOnAbort(found, signal)
}

/** Removes repeated addresses, because a hosts file may name an address several times. */
export function distinct(addresses: readonly LookupAddress[]): LookupAddress[] {
  const byText = new Map(addresses.map((one) => [canonical(one.address), one]))
  return [...byText.values()]
}

/** Returns the same text for every spelling of an IPv6 address without a zone. Returns any other address as it is. */
function canonical(address: string): string {
  if (isIP(address) !== 6 || address.includes('%')) return address
  return new URL(`http://[${address}]/`).hostname
}

const MAPPED = '::ffff:'

/**
 * Returns an address in the form that people write. An IPv6 socket shows a peer with IPv4 as `::ffff:1.2.3.4`; the
 * result is `1.2.3.4`.
 */
export function displayAddress(address: string): string {
  const inner = address.toLowerCase().startsWith(MAPPED) ? address.slice(MAPPED.length) : ''
  return isIP(inner) === 4 ? inner : address
}

/**
 * Returns the address of one end of a connection as in asyncio: [host, port]. Undefined for a Unix socket, whose path
 * Node does not tell, and for a closed socket.
 */
export function nameOf(
  address: string | undefined,
  port: number | undefined,
): [host: string, port: number] | undefined {
  return address === undefined ? undefined : [displayAddress(address), port ?? 0]
}

function interleave(addresses: LookupAddress[]): LookupAddress[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family)
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family)
  const mixed: LookupAddress[] = []
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    for (const list of [first, second]) {
      const address = list[i]
      if (address !== undefined) mixed.push(address)
    }
  }
  return mixed
}
