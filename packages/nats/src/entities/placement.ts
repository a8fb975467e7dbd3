/**
 * Which shard a key belongs to, and which host should own a shard.
 *
 * Hosts agree on the owner of a shard without talking: each host computes, for every host, a weight of that host and the
 * shard by a hash of both names. The host with the greatest weight should own the shard (rendezvous hashing). When a host
 * comes or goes, only its own shards move. Two hosts that know different lists may disagree for a while. That does no harm,
 * because only the holder of the shard's lease owns the shard.
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
