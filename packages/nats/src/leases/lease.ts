/**
 * A lease says that this node, and no other one, may do something for now.
 *
 * The lease is an entry of a bucket whose entries expire. `create` succeeds for one node only. The holder renews the entry
 * every third of its time, by compare-and-set on the entry's revision. The server counts the time from the moment at which
 * it stores a renewal. The holder cannot know that moment, so it counts from the moment at which it has sent the renewal,
 * which is earlier. It also gives up a fifth of the time early, so that the work under the lease has that fifth to end before
 * another node can get the lease.
 *
 * This holds while the clocks of holder and server run at nearly the same speed, and the holder's code gets to run. A
 * paused process notices the loss only when it continues. Work that must not be done twice even in this case needs a separate
 * compare-and-set, as the state of an entity has.
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

/** After a loss, the work under a lease has this share of the lease's time to end. */
const marginShare = 0.2
/** The release of a lease may take this many milliseconds. */
const releaseTime = 2_000

/** The shortest time of a lease in milliseconds. A shorter lease would be lost by one slow answer of the server. */
export const leastLease = 200

export interface LeaseSettings {
  /** The key of the entry. */
  readonly key: string
  /** Milliseconds after which the server gives the lease to another node, unless it was renewed. */
  readonly ttl: number
}

/** A lease that this node has acquired. */
export class Lease {
  readonly #link: Link
  readonly #settings: LeaseSettings
  readonly #value: Uint8Array
  readonly #due = new Signal()
  #revision: number
  /** The time, on the clock of the loop, at which the last confirmed renewal was sent. */
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

  /** After a loss, the work under the lease has this many milliseconds to end. */
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

  /** Renews the lease until it is lost. @throws {LeaseLost} when it is lost */
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
      // The server does not tell when an entry expires, so each waiting node tries again from time to time. The jitter keeps
      // the nodes from trying all at once.
      await isFree.wait((ttl / 2) * (0.75 + link.jitter() / 4))
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
    // An earlier attempt may have been stored although its answer was lost. It was not sent before `startedAt`, so the lease
    // is counted from that time.
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

/** Returns the revision of the lease's entry if its value is `value`, which no other holder writes; otherwise null. */
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
    // Nothing runs under the lease any more, so it may expire by itself.
  }
}

function leasesOf(link: Link, bus: Bus, { ttl }: LeaseSettings): Bucket {
  return link.bucket(bus, link.names.leases(ttl), ttl)
}
