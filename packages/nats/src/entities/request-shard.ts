/**
 * The owner's side of a shard whose entities have neither state nor mailbox on the server: messages come as requests, and
 * each goes to its actor at once.
 */
import { createTask, gather } from '@tasktree/core'
import type { Bus, BusMessage } from '../bus/bus.ts'
import type { Lease } from '../leases/lease.ts'
import { endSubscription } from '../link/end-subscription.ts'
import type { Link } from '../link/link.ts'
import { moved, readAsk } from '../wire/ask-message.ts'
import { readToken } from '../wire/names.ts'
import type { HostStatus } from './entity-host.ts'
import type { EntityType } from './entity-type.ts'
import { MemoryEntity } from './memory-entity.ts'
import type { ShardActors } from './shard-actors.ts'

export class RequestShard implements AsyncDisposable {
  readonly link: Link
  readonly type: EntityType
  readonly actors: ShardActors
  readonly status: HostStatus
  readonly #shard: number
  readonly #lease: Lease
  readonly #entities = new Map<string, MemoryEntity>()
  #bus: Bus | null = null
  #unsubscribe: (() => void) | null = null
  #isClosing = false

  constructor(
    link: Link,
    type: EntityType,
    shard: number,
    lease: Lease,
    actors: ShardActors,
    status: HostStatus,
  ) {
    this.link = link
    this.type = type
    this.actors = actors
    this.status = status
    this.#shard = shard
    this.#lease = lease
  }

  async start(): Promise<void> {
    const bus = await this.link.connected()
    this.#bus = bus
    const subject = this.link.names.entitiesOf(this.type.name, this.#shard)
    this.#unsubscribe = bus.subscribe(subject, (message) => this.#receive(bus, message))
    await bus.flush()
  }

  #receive(bus: Bus, message: BusMessage): void {
    const ask = readAsk(message)
    const key = readToken(message.subject.slice(message.subject.lastIndexOf('.') + 1))
    // A node that was paused beyond its lease finds old messages in its socket. Their senders may have sent them to the new
    // owner too, so an answer from this node could make a sender repeat a message that is being handled.
    if (ask === null || key === null || !this.#lease.isHeld) return
    if (this.#isClosing) {
      if (message.reply !== '') bus.publish(message.reply, moved)
      return
    }
    let entity = this.#entities.get(key)
    if (entity === undefined) {
      entity = new MemoryEntity(this, key)
      this.#entities.set(key, entity)
    }
    entity.receive(bus, message.reply, ask)
  }

  /** Called by an entity that has been idle and has no actor any more. */
  forget(key: string): void {
    this.#entities.delete(key)
  }

  /**
   * Waits until the messages that have arrived are handled, and stops the actors. The senders of later messages are told to
   * send them to the next owner.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true
    if (this.link.status !== 'idle' && !this.#lease.isHeld) {
      // The lease is lost, so another node may own the shard by now. The running handlers are cancelled when the actors are
      // stopped.
      this.#unsubscribe?.()
      for (const entity of this.#entities.values()) entity.abort()
      return
    }
    await gather([...this.#entities.values()].map((entity) => createTask(() => entity.close())))
    if (this.#bus !== null) await endSubscription(this.#bus, this.#unsubscribe)
  }
}
