import { type Actor, type ActorClass, child, type ChildSpec } from '@tasktree/actor'
import type { Lease } from '../leases/lease.ts'
import type { Link } from '../link/link.ts'
import { token } from '../wire/names.ts'
import { hostChildren, HostStatus } from './entity-host.ts'
import { type AnyEntityOptions, checkEntity } from './entity-type.ts'
import { MailboxShard } from './mailbox-shard.ts'
import { RequestShard } from './request-shard.ts'
import { ShardActors } from './shard-actors.ts'

/** @internal makes the child spec that `cluster.entity` returns */
export function entitySpec(
  link: Link,
  name: string,
  // oxlint-disable-next-line typescript/no-explicit-any -- any class of actors
  actorClass: ActorClass<Actor, any[]>,
  options: AnyEntityOptions,
  onChange: () => void,
): { spec: ChildSpec; status: HostStatus } {
  const { type, supervision } = checkEntity(name, actorClass, options)
  const status = new HostStatus()
  const shardChildren = (shard: number, lease: Lease): ChildSpec[] => {
    const actors = new ShardActors(type)
    const { state } = type
    const makeShard = (): RequestShard | MailboxShard =>
      state === null
        ? new RequestShard(link, type, shard, lease, actors, status)
        : new MailboxShard({ link, type, codec: state, shard, lease, actors, status })
    return [actors.spec(), child.resource('messages', makeShard, { shutdown: type.shutdown })]
  }
  const { shutdown: _, ...rest } = supervision
  const spec = child.supervisor(
    `entity-${token(name)}`,
    {
      strategy: 'rest-for-one',
      maxRestarts: 10,
      within: 60_000,
      backoff: { min: 50, max: 2_000 },
      children: () => hostChildren({ link, type, status, shardChildren, onChange }),
    },
    rest,
  )
  return { spec, status }
}
