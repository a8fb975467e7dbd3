import { Actor, type ActorClass, type ChildOptions } from '@tasktree/actor'
import { checkCount, checkDuration, checkOptions, describe } from '@tasktree/core/lowlevel'
import { checkLease } from '../leases/singleton.ts'
import { checkName, defaultLease } from '../wire/names.ts'

/**
 * How an actor's state is stored and restored. The codec of the cluster encodes the value that `save` returns, so it may be
 * any value that structured clone can copy.
 */
export interface StateCodec<A, S = unknown> {
  /** Returns what is to be stored. Called after each message; must not wait. */
  save(actor: A): S
  /** Gives the stored state to a new actor, before its `onStart`; must not wait. Not called for an entity without a state. */
  load(actor: A, state: S): void
}

export interface EntityOptions<A, P extends unknown[] = unknown[]> extends ChildOptions {
  /** Makes the arguments of the constructor. @defaultValue the key alone */
  args?: (key: string) => P
  /**
   * Into how many parts the keys are divided. Each part has one owner. All nodes must give the same number. @defaultValue 64
   */
  shards?: number
  /**
   * Stores the messages and the state of each entity on the server, so that the next owner goes on with them if this node
   * ends. @defaultValue messages and state are in memory
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever the two functions agree on
  state?: StateCodec<A, any>
  /** Milliseconds without a message after which an actor is stopped, until its next message. @defaultValue 120000 */
  idleTimeout?: number
  mailbox?: {
    /** How many messages of one entity may wait; further ones are refused. @defaultValue 1000 */
    capacity?: number
  }
  /** Milliseconds after which another node takes over when this one has died. All nodes must give the same. @defaultValue 5000 */
  lease?: number
}

// oxlint-disable-next-line typescript/no-explicit-any -- the options of any class of actors
export type AnyEntityOptions = EntityOptions<any, any>

/** The last parameter of `cluster.entity`. The options are needed only when the constructor takes more than the key. */
export type EntityRest<A, P extends unknown[]> = [] extends P
  ? [options?: EntityOptions<A, P>]
  : [string] extends P
    ? [options?: EntityOptions<A, P>]
    : [options: EntityOptions<A, P> & { args: (key: string) => P }]

/** The options that must be the same on all nodes. */
export interface EntityTerms {
  readonly shards: number
  readonly isDurable: boolean
  readonly lease: number
}

/** A type of entities, as a node hosts it. */
export interface EntityType {
  readonly name: string
  // oxlint-disable-next-line typescript/no-explicit-any -- any class of actors
  readonly actorClass: ActorClass<Actor, any[]>
  readonly args: (key: string) => readonly unknown[]
  readonly state: StateCodec<Actor> | null
  readonly terms: EntityTerms
  readonly idleTimeout: number
  readonly capacity: number
  /** Milliseconds that running handlers have to end in an orderly stop. */
  readonly shutdown: number | 'kill'
}

const own: ReadonlySet<string> = new Set([
  'args',
  'shards',
  'state',
  'idleTimeout',
  'mailbox',
  'lease',
])

/**
 * Checks the options, and splits them into what the type is and how its child is supervised.
 *
 * @throws {TypeError} for a wrong name or a wrong option
 * @throws {RangeError} when an option is out of range
 */
export function checkEntity(
  name: string,
  // oxlint-disable-next-line typescript/no-explicit-any -- any class of actors
  actorClass: ActorClass<Actor, any[]>,
  options: AnyEntityOptions,
): { type: EntityType; supervision: ChildOptions } {
  checkName('the type of an entity', name)
  if (typeof actorClass !== 'function' || !((actorClass.prototype as unknown) instanceof Actor)) {
    throw new TypeError(
      `the entity ${name} needs a class that extends Actor, got ${describe(actorClass)}`,
    )
  }
  checkOptions(options)
  const {
    args = (key: string) => [key],
    shards = 64,
    state,
    idleTimeout = 120_000,
    mailbox = {},
    lease = defaultLease,
    shutdown = 5_000,
  } = options
  if (typeof args !== 'function') {
    throw new TypeError(`the option args must be a function, got ${describe(args)}`)
  }
  checkCount('shards', shards, 1)
  if (shards > mostShards) {
    throw new RangeError(`shards must be at most ${mostShards}, got ${shards}`)
  }
  checkState(state)
  checkDuration('idleTimeout', idleTimeout)
  checkOptions(mailbox)
  const { capacity = 1_000, ...others } = mailbox
  for (const other of Object.keys(others)) {
    throw new TypeError(`the option mailbox has no ${other}; there is capacity`)
  }
  checkCount('mailbox.capacity', capacity, 1)
  if (capacity > mostCapacity) {
    throw new RangeError(`mailbox.capacity must be at most ${mostCapacity}, got ${capacity}`)
  }
  if (shutdown !== 'kill') checkDuration('shutdown', shutdown)
  const terms = { shards, isDurable: state !== undefined, lease: checkLease(lease) }
  const supervision = Object.fromEntries(Object.entries(options).filter(([key]) => !own.has(key)))
  return {
    type: {
      name,
      actorClass,
      args,
      state: (state as StateCodec<Actor> | undefined) ?? null,
      terms,
      idleTimeout,
      capacity,
      shutdown,
    },
    supervision,
  }
}

/** The most shards. Each shard has a lease that is renewed all the time, so more shards have a cost and no use. */
const mostShards = 1_024
/** The largest capacity of a mailbox. The owner of a shard reads as many messages ahead, and keeps them in memory. */
const mostCapacity = 100_000

function checkState(state: unknown): void {
  if (state === undefined) return
  const { save, load } = Object(state) as Partial<StateCodec<never>>
  if (typeof save === 'function' && typeof load === 'function') return
  throw new TypeError(
    `the option state must have the functions save and load, got ${describe(state)}`,
  )
}

/** The key under which the cluster keeps the terms of a type. */
export function termsKey(type: string): string {
  return `entity.${type}`
}
