/**
 * A lease says that this node, and no other one, may do something for now.
 *
 * The lease is an entry of a bucket whose entries expire. `create` succeeds for one node only. The holder renews the entry
 * every third of its time, by compare-and-set on the entry's revision. The server counts the time from the moment at which
 * it stores a renewal. The holder cannot know that moment, so it counts from the moment at which it has sent the renewal,
 * which is earlier. It also gives up a fifth of the time early, so that what runs under the lease has that fifth to end
 * before another node can get the lease.
 *
 * This holds while the clocks of holder and server run at nearly the same speed, and the holder's code gets to run. A
 * process that is paused finds out when it goes on. What must not be done twice even then needs a compare-and-set of its
 * own, as the state of an entity has.
 */
import {
  createTask,
  type Future,
  getEventLoop,
  isCancelled,
  TimeoutError,
  waitFor,
} from '@tasktree/core'
import type { Bucket, Bus } from '../bus/bus.ts'
import { LeaseLost } from '../errors.ts'
import type { Link } from '../link/link.ts'
import { Signal } from '../link/signal.ts'

/** The part of the lease's time that what runs under it has to end. */
const marginShare = 0.2
/** Milliseconds that giving a lease back may take. */
const releaseTime = 2_000

/** The least time of a lease in milliseconds: below it, one slow answer of the server would lose the lease. */
export const leastLease = 200

export interface LeaseSettings {
  /** The key of the entry. */
  readonly key: string
  /** Milliseconds after which the server gives the lease to another node, unless it was renewed. */
  readonly ttl: number
}

/** A lease that this node has got. */
export class Lease {
  readonly #link: Link
  readonly #settings: LeaseSettings
  readonly #value: Uint8Array
  readonly #due = new Signal()
  #revision: number
  /** When the last renewal that the server has confirmed was sent, by the clock of the loop. */
  #confirmedAt: number
  /** The number of the term in which this node has the lease. A later holder of the lease has a greater one. */
  readonly epoch: number
  /** Why the lease was lost; null while it is held. */
  loss: LeaseLost | null = null
  /** Called once, in the turn in which the loss is noticed. */
  onLost: (() => void) | null = null

  constructor(
    link: Link,
    settings: LeaseSettings,
    value: Uint8Array,
    revision: number,
    confirmedAt: number,
  ) {
    this.#link = link
    this.#settings = settings
    this.#value = value
    this.#revision = revision
    this.#confirmedAt = confirmedAt
    this.epoch = revision
  }

  /** Milliseconds that what runs under the lease has to end after a loss. */
  get margin(): number {
    return marginShare * this.#settings.ttl
  }

  get #givesUpAt(): number {
    return this.#confirmedAt + this.#settings.ttl - this.margin
  }

  /** Whether this node may still act, by its own clock. */
  get isHeld(): boolean {
    return this.loss === null && getEventLoop().time() < this.#givesUpAt
  }

  /** Renews the lease until it is lost. @throws {LeaseLost} */
  async keep(): Promise<never> {
    try {
      for (;;) {
        const dueIn = this.#confirmedAt + this.#settings.ttl / 3 - getEventLoop().time()
        if (dueIn > 0) await this.#due.wait(dueIn)
        await this.#renew()
      }
    } catch (error) {
      if (error instanceof LeaseLost && this.loss === null) {
        this.loss = error
        this.onLost?.()
      }
      throw error
    }
  }

  /** Makes `keep` ask the server now whether this node still has the lease. */
  verify(): void {
    this.#confirmedAt = Math.min(this.#confirmedAt, getEventLoop().time() - this.#settings.ttl / 3)
    this.#due.notify()
  }

  async #renew(): Promise<void> {
    const { key } = this.#settings
    const startedAt = getEventLoop().time()
    const left = this.#givesUpAt - startedAt
    const late = new LeaseLost(key, 'the server did not confirm a renewal in time')
    if (left <= 0) throw late
    let sentAt = startedAt
    const update = (bus: Bus): Future<number | null> => {
      sentAt = getEventLoop().time()
      return leasesOf(this.#link, bus, this.#settings).update(key, this.#value, this.#revision)
    }
    try {
      const revision = await waitFor(
        createTask(() => this.#link.insist(update)),
        left,
      )
      if (revision !== null) {
        this.#revision = revision
        this.#confirmedAt = sentAt
        return
      }
      // An earlier attempt may have been stored although its answer was lost.
      const stored = await waitFor(
        createTask(() => findOwn(this.#link, this.#settings, this.#value)),
        left,
      )
      if (stored === null) throw new LeaseLost(key, 'it has expired, or another node has it')
      this.#revision = stored
      this.#confirmedAt = startedAt
    } catch (error) {
      throw error instanceof TimeoutError ? late : error
    }
  }

  /** Gives the lease back, so that a node that waits for it gets it at once. When that fails, the lease expires. */
  async release(): Promise<void> {
    await releaseEntry(this.#link, this.#settings, this.#value)
  }
}

/** Waits until this node has got the lease. */
export async function acquireLease(link: Link, settings: LeaseSettings): Promise<Lease> {
  const { key, ttl } = settings
  const isFree = new Signal()
  const bus = await link.connected()
  const stop = bus.subscribe(link.names.freed(key), () => isFree.notify())
  try {
    for (;;) {
      const lease = await tryToAcquire(link, settings)
      if (lease !== null) return lease
      // Nobody is told when an entry expires. The jitter keeps the nodes that wait from asking all at once.
      await isFree.wait((ttl / 2) * (0.75 + Math.random() / 2))
    }
  } finally {
    stop()
  }
}

let made = 0

async function tryToAcquire(link: Link, settings: LeaseSettings): Promise<Lease | null> {
  const { key } = settings
  const text = JSON.stringify({ node: link.node, by: `${link.answers.token}-${++made}` })
  const value = new TextEncoder().encode(text)
  const startedAt = getEventLoop().time()
  let sentAt = startedAt
  try {
    const created = await link.insist((bus) => {
      sentAt = getEventLoop().time()
      return leasesOf(link, bus, settings).create(key, value)
    })
    if (created !== null) return new Lease(link, settings, value, created, sentAt)
    // An earlier attempt may have been stored although its answer was lost. The lease began with it, at the latest.
    const revision = await findOwn(link, settings, value)
    if (revision === null) return null
    const lease = new Lease(link, settings, value, revision, startedAt)
    if (lease.isHeld) return lease
    await lease.release()
    return null
  } catch (error) {
    if (isCancelled(error)) {
      link.start(`give back ${key}`, () => releaseEntry(link, settings, value))
    }
    throw error
  }
}

/** The revision of the entry if it has this value, otherwise null. */
async function findOwn(
  link: Link,
  settings: LeaseSettings,
  value: Uint8Array,
): Promise<number | null> {
  const entry = await link.insist((bus) => leasesOf(link, bus, settings).get(settings.key))
  return entry !== null && Buffer.compare(entry.value, value) === 0 ? entry.revision : null
}

async function releaseEntry(link: Link, settings: LeaseSettings, value: Uint8Array): Promise<void> {
  const { key } = settings
  const release = async (): Promise<void> => {
    const bus = link.current()
    const revision = bus === null ? null : await findOwn(link, settings, value)
    if (bus === null || revision === null) return
    await leasesOf(link, bus, settings).delete(key, revision)
    bus.publish(link.names.freed(key), new Uint8Array(0))
  }
  try {
    await waitFor(createTask(release), releaseTime)
  } catch (error) {
    if (isCancelled(error)) throw error
    // The lease expires by itself: nothing runs under it any more.
  }
}

function leasesOf(link: Link, bus: Bus, { ttl }: LeaseSettings): Bucket {
  return link.bucket(bus, link.names.leases(ttl), ttl)
}
