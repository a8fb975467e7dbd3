import { Future } from '@tasktree/core'
import { toOSError } from '@tasktree/streams'
import { lookup, type LookupAddress } from 'node:dns'
import { isIP } from 'node:net'

/** Every address of `host` once, with IPv4 and IPv6 in turn as RFC 8305 wants. @throws {GaiError} */
export async function addressesOf(host: string): Promise<LookupAddress[]> {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  const found = new Future<LookupAddress[]>()
  lookup(host, { all: true, order: 'verbatim' }, (error, addresses) => {
    if (found.done()) return
    if (error === null) found.setResult(interleave(distinct(addresses)))
    else found.setException(toOSError(error))
  })
  return found
}

/** Each address once: a hosts file may name one several times. */
export function distinct(addresses: readonly LookupAddress[]): LookupAddress[] {
  const byText = new Map(addresses.map((one) => [canonical(one.address), one]))
  return [...byText.values()]
}

/** One text for every spelling of an IPv6 address. */
function canonical(address: string): string {
  if (isIP(address) !== 6 || address.includes('%')) return address
  return new URL(`http://[${address}]/`).hostname
}

const MAPPED = '::ffff:'

/** An IPv4 address that a socket of IPv6 serves, as people write it. */
export function displayAddress(address: string): string {
  const inner = address.toLowerCase().startsWith(MAPPED) ? address.slice(MAPPED.length) : ''
  return isIP(inner) === 4 ? inner : address
}

/** The name of one end, as in asyncio: [host, port]. Node does not tell the path of a Unix socket. */
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
