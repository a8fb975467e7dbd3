/**
 * One node's share of a type of entities. The hosts of a type tell each other that they are there, and each works out which
 * shards are its own. For each of those it starts a child that waits for the shard's lease; a shard that belongs to another
 * host by now is stopped, which gives its lease back.
 */
import {
  Actor,
  child,
  type ChildRef,
  type ChildSpec,
  StaleIncarnation,
  type SupervisorRef,
} from '@tasktree/actor'
import { getEventLoop } from '@tasktree/core'
import type { Bus, BusMessage } from '../bus/bus.ts'
import { agreeOn } from '../leases/agreement.ts'
import { leasedSpec } from '../leases/leased.ts'
import type { Lease } from '../leases/lease.ts'
import type { Link } from '../link/link.ts'
import { token } from '../wire/names.ts'
import { type EntityType, termsKey } from './entity-type.ts'
import { rightHost } from './placement.ts'

/**
 * A message to all hosts of a type. `hello` asks the other hosts to say `here`, and `gone` says that a host ends. `who` comes
 * from a node that sends messages to entities; each host answers it, which says that there is a host.
 */
interface Notice {
  readonly say: 'hello' | 'here' | 'gone' | 'who'
  readonly node: string
}

/** Returns null for a message of another program. */
function readNotice(data: Uint8Array): Notice | null {
  try {
    const { say, node } = JSON.parse(new TextDecoder().decode(data)) as Notice
    return typeof node === 'string' ? { say, node } : null
  } catch {
    return null
  }
}

/** The most milliseconds that a new host waits for the answers of the others before it looks for its shards. */
const settleTime = 100

/** The part of a host that `snapshot()` of the cluster shows: the shards that it owns, and the entities whose actor runs. */
export class HostStatus {
  readonly owned: Set<number> = new Set()
  readonly active: Set<object> = new Set()
}

export interface HostOptions {
  readonly link: Link
  readonly type: EntityType
  readonly status: HostStatus
  /** Returns the children that run while the lease of a shard is held. */
  readonly shardChildren: (shard: number, lease: Lease) => readonly ChildSpec[]
  readonly onChange: () => void
}

/** Returns the specs of a host: the supervisor of its shards, and the actor that starts and stops the shards. */
export function hostChildren(options: HostOptions): ChildSpec[] {
  const patient = { maxRestarts: 100, within: 600_000, backoff: { min: 50, max: 5_000 } }
  return [child.dynamic('shards', patient), child.actor('host', EntityHost, [options])]
}

class EntityHost extends Actor {
  readonly #options: HostOptions
  readonly #subject: string
  /** When each host was last heard of. */
  readonly #heardAt = new Map<string, number>()
  readonly #shards = new Map<number, ChildRef>()
  readonly #leaving = new Set<number>()
  #bus: Bus | null = null
  #unsubscribe: (() => void) | null = null

  constructor(options: HostOptions) {
    super()
    this.#options = options
    this.#subject = options.link.names.hosts(options.type.name)
  }

  protected override async onStart(): Promise<void> {
    const { link, type, status } = this.#options
    const { name, terms } = type
    // Shards that were killed before a restart of the host could not remove themselves.
    status.owned.clear()
    status.active.clear()
    if (terms.isDurable) {
      await link.insist((bus) =>
        bus.openStream({
          name: link.names.mailboxes(name),
          subjects: [link.names.everyMailbox(name)],
          retention: 'limits',
          maxPerSubject: type.capacity,
        }),
      )
    }
    await agreeOn(link, `the entity ${name}`, termsKey(token(name)), terms)
    const bus = await link.connected()
    this.#bus = bus
    this.#unsubscribe = bus.subscribe(this.#subject, (message) => this.#receive(message))
    await bus.flush()
    this.#say('hello')
    this.ctx.after(Math.min(settleTime, terms.lease / 10), () => this.#assign(), { key: 'assign' })
    this.ctx.every(terms.lease / 3, async () => {
      this.#say('here')
      await this.#assign()
    })
  }

  #say(say: Notice['say']): void {
    const bus = this.#bus
    if (bus?.status !== 'connected') return
    const notice: Notice = { say, node: this.#options.link.node }
    bus.publish(this.#subject, new TextEncoder().encode(JSON.stringify(notice)))
  }

  #receive({ data, reply }: BusMessage): void {
    const notice = readNotice(data)
    if (notice === null || this.#unsubscribe === null) return
    const { say, node } = notice
    if (say === 'who') {
      this.#bus?.publish(reply, data)
      return
    }
    if (node === this.#options.link.node) return
    const isKnown = this.#heardAt.has(node)
    if (say === 'gone') this.#heardAt.delete(node)
    else this.#heardAt.set(node, getEventLoop().time())
    if (say === 'hello') this.#say('here')
    if (isKnown === (say === 'gone')) this.#assignSoon()
  }

  #assignSoon(): void {
    try {
      this.ctx.after(0, () => this.#assign(), { key: 'assign' })
    } catch (error) {
      // The host was killed, which calls no hook that would end the subscription.
      if (!(error instanceof StaleIncarnation)) throw error
      this.#unsubscribe?.()
    }
  }

  /** Starts the shards that belong to this host, and stops those that do not. */
  async #assign(): Promise<void> {
    const { link, type } = this.#options
    const silentSince = getEventLoop().time() - type.terms.lease
    for (const [node, at] of this.#heardAt) if (at < silentSince) this.#heardAt.delete(node)
    const hosts = [link.node, ...this.#heardAt.keys()]
    for (let shard = 0; shard < type.terms.shards; shard++) {
      const isOwn = rightHost(hosts, shard) === link.node
      const ref = this.#shards.get(shard)
      if (isOwn && ref === undefined) await this.#start(shard)
      else if (!isOwn && ref !== undefined) this.#stop(shard, ref)
    }
  }

  async #start(shard: number): Promise<void> {
    const { link, type, status, shardChildren, onChange } = this.#options
    const supervisor = (this.ctx.parent as SupervisorRef).child('shards') as SupervisorRef
    const spec = leasedSpec(link, {
      id: `shard-${shard}`,
      lease: { key: `entity.${token(type.name)}.${shard}`, ttl: type.terms.lease },
      children: (lease) => shardChildren(shard, lease),
      onChange: (isRunning) => {
        if (isRunning) status.owned.add(shard)
        else status.owned.delete(shard)
        onChange()
      },
      supervision: { restart: 'transient' },
    })
    this.#shards.set(shard, await supervisor.startChild(spec))
  }

  /** Stops a shard here, because it belongs to another host now. */
  #stop(shard: number, ref: ChildRef): void {
    if (this.#leaving.has(shard)) return
    this.#leaving.add(shard)
    void ref.stop('the shard belongs to another host')
    ref.whenStopped.addDoneCallback(() => {
      this.#leaving.delete(shard)
      this.#shards.delete(shard)
    })
  }

  protected override onStop(): void {
    this.#unsubscribe?.()
    this.#unsubscribe = null
    this.#say('gone')
  }
}
