/**
 * The owner's side of a shard whose entities have their mailboxes in a stream and their states in a bucket.
 *
 * The mailbox is a log. An owner reads it from the front and takes nothing out; it deletes a message only after the state
 * with the message in it is stored. So a new owner, or the same one after a lost connection, reads every message that may
 * not have been handled, in the order in which the server stored them. A consumer with acknowledgements would not keep this
 * order: a message that a dead owner had received would be delivered a second time, but after the messages behind it.
 */
import type { Actor } from '@tasktree/actor'
import { createTask, detached, Future, gather, sleep, type Task } from '@tasktree/core'
import { createServiceTask } from '@tasktree/core/lowlevel'
import { type Delivery, idHeader, type ReaderSettings } from '../bus/bus.ts'
import { BusTimeout, ConsumerStalled } from '../errors.ts'
import type { Lease } from '../leases/lease.ts'
import type { Link } from '../link/link.ts'
import { readToken } from '../wire/names.ts'
import { PullLoop } from '../link/pull-loop.ts'
import { DurableEntity } from './durable-entity.ts'
import type { HostStatus } from './entity-host.ts'
import type { EntityType, StateCodec } from './entity-type.ts'
import type { ShardActors } from './shard-actors.ts'
import { StateStore } from './state-store.ts'

/** How many messages are read ahead beyond one full mailbox, so that one busy entity does not hold up the others. */
const readAhead = 256
/** Milliseconds before a reader that has stalled is made anew. */
const restartDelay = 50

export interface MailboxShardOptions {
  readonly link: Link
  readonly type: EntityType
  readonly codec: StateCodec<Actor>
  readonly shard: number
  readonly lease: Lease
  readonly actors: ShardActors
  readonly status: HostStatus
}

export class MailboxShard implements AsyncDisposable {
  readonly options: MailboxShardOptions
  readonly store: StateStore
  readonly #stream: string
  readonly #entities = new Map<string, DurableEntity>()
  readonly #loop: PullLoop
  readonly #deletions = new Set<Task>()
  #reading: Task<never> | null = null
  #ended: Future<never> | null = null
  #readers = 0
  /** The messages that were read, and are not handled yet, by their sequences. */
  readonly #held = new Map<number, Delivery>()
  isClosing = false

  constructor(options: MailboxShardOptions) {
    this.options = options
    const { link, type } = options
    this.store = new StateStore(link, type.name)
    this.#stream = link.names.mailboxes(type.name)
    this.#loop = new PullLoop(link, () => this.#nextReader(), this)
  }

  /**
   * Returns the settings of a reader of all messages in the stream. Their entities delete those that were handled before. A
   * reader that skips what this owner has read would not be enough: a server that was killed may have forgotten deletions,
   * and the messages that it brings back would fill the mailboxes.
   */
  #nextReader(): ReaderSettings {
    const { link, type, shard, lease } = this.options
    return {
      stream: this.#stream,
      name: `${shard}-${lease.epoch}-${link.answers.token}-${++this.#readers}`,
      subject: link.names.mailboxesOf(type.name, shard),
      from: 1,
    }
  }

  start(): void {
    const reading = createServiceTask(() => this.#keepReading(), { name: 'read the mailboxes' })
    this.#reading = reading
    reading.addDoneCallback(() => {
      if (!reading.cancelled()) this.fail(reading.exception())
    })
  }

  async #keepReading(): Promise<never> {
    for (;;) {
      try {
        await this.#loop.run()
      } catch (error) {
        if (!(error instanceof ConsumerStalled)) throw error
      }
      await sleep(restartDelay)
    }
  }

  /** Fails when the shard cannot go on, for example when the cluster has ended. */
  async wait(): Promise<void> {
    this.#ended ??= new Future()
    await this.#ended
  }

  fail(error: unknown): void {
    this.#ended ??= new Future()
    if (!this.#ended.done()) this.#ended.setException(error)
  }

  /** While a request is open, the loop requests more messages only if there is room for this many. That saves requests. */
  readonly batch: number = readAhead / 2

  get room(): number {
    return this.isClosing ? 0 : this.options.type.capacity + readAhead - this.#held.size
  }

  take(delivery: Delivery): void {
    const { sequence, subject, storedAt } = delivery
    // A server that was killed may give the sequence of a deleted message to a new one. So the times are compared too.
    if (this.isClosing || this.#held.get(sequence)?.storedAt === storedAt) return
    this.#held.set(sequence, delivery)
    const key = readToken(subject.slice(subject.lastIndexOf('.') + 1))
    if (key === null) {
      this.done(delivery)
      return
    }
    let entity = this.#entities.get(key)
    if (entity === undefined) {
      entity = new DurableEntity(this, key)
      this.#entities.set(key, entity)
    }
    entity.push(delivery)
  }

  /** Called when the message needs no more work: a stored state includes it, it was cancelled, or it cannot be read. */
  done(delivery: Delivery): void {
    const { sequence } = delivery
    if (this.#held.get(sequence) === delivery) this.#held.delete(sequence)
    this.#loop.roomier()
    this.#delete(delivery)
  }

  #delete(delivery: Delivery): void {
    const { link } = this.options
    const { sequence } = delivery
    const deletion = async (): Promise<void> => {
      try {
        await delivery.remove()
      } catch (error) {
        const id = delivery.header(idHeader)
        if (!(error instanceof BusTimeout) || id === null) throw error
        await link.insist((bus) => bus.deleteMessage(this.#stream, sequence, id))
      }
    }
    const task = detached(() => createServiceTask(deletion, { name: `delete message ${sequence}` }))
    this.#deletions.add(task)
    task.addDoneCallback(() => {
      this.#deletions.delete(task)
      // If the message could not be deleted, the next owner sees that the entity's state includes it, and deletes it.
      if (!task.cancelled()) task.exception()
    })
  }

  /** Called by an entity that has been idle and has no actor any more. */
  forget(key: string): void {
    this.#entities.delete(key)
  }

  /** Waits until each entity has handled its running message. Later messages stay in the stream for the next owner. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosing = true
    this.#reading?.cancel()
    if (!this.options.lease.isHeld) {
      // The lease is lost, so another node may own the shard by now. The running handlers are cancelled when the actors are
      // stopped.
      for (const entity of this.#entities.values()) entity.abort()
      return
    }
    await gather([...this.#entities.values()].map((entity) => createTask(() => entity.close())))
    await gather([...this.#deletions], { returnExceptions: true })
  }
}
