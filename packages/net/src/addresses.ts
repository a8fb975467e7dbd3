import { Future } from '@tasktree/core'
import { toOSError } from '@tasktree/streams'
import { lookup, type LookupAddress } from 'node:dns'
import { isIP } from 'node:net'

/** Every address of `host`, its families taking turns as RFC 8305 wants. @throws {GaiError} */
export async function addressesOf(host: string): Promise<LookupAddress[]> {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  const found = new Future<LookupAddress[]>()
  lookup(host, { all: true, order: 'verbatim' }, (error, addresses) => {
    if (found.done()) return
    if (error === null) found.setResult(interleave(addresses))
    else found.setException(toOSError(error))
  })
  return found
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
