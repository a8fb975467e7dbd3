/**
 * Which shard a key belongs to, and which host should own a shard.
 *
 * Hosts agree on the second without talking: each gives a host and a shard a weight by a hash of both names, and the host
 * with the greatest weight is the right one (rendezvous hashing). When a host comes or goes, only its own shards move. Two
 * hosts that know different lists may disagree for a while. That does no harm, because only the holder of the shard's lease
 * owns the shard.
 *
 * Source: D. G. Thaler and C. V. Ravishankar, "Using name-based mappings to increase hit rates", 1998
 */
import { hash } from '../wire/hash.ts'

export function shardOf(key: string, shards: number): number {
  return hash(key) % shards
}

/** Returns the host that should own the shard. `hosts` must not be empty. */
export function rightHost(hosts: Iterable<string>, shard: number): string {
  let best = ''
  let bestWeight = -1
  for (const host of hosts) {
    const weight = hash(`${shard} ${host}`)
    if (weight > bestWeight || (weight === bestWeight && host > best)) {
      best = host
      bestWeight = weight
    }
  }
  return best
}
